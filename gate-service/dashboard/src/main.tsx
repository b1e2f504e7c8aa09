import { render } from 'preact';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';
import './style/charts.css';
import './style/pages.css';
import './style/attempts.css';
import { App } from './app.tsx';
import { refreshSession } from './state/session.ts';
import { startRouting } from './state/route.ts';

startRouting();
void refreshSession();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
