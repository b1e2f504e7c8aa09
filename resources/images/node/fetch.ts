/** Fetches what a node needs besides packages of the distribution, into the folder given; what is there already is left alone. */
import { mkdir } from 'node:fs/promises';
import { fetchJavaComponents } from '../../components/fetched.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node fetch.ts FOLDER');
await mkdir(folder, { recursive: true });
await fetchJavaComponents(folder, 'mvn');
