/** Unpacks gzip of several members in a row (RFC 1952), which DecompressionStream alone refuses. */

const MAGIC = [0x1f, 0x8b, 0x08];

/** @throws Error when the content is damaged or cut off */
export async function gunzip(packed: Uint8Array<ArrayBuffer>): Promise<string> {
  const starts = memberStarts(packed);
  const texts: string[] = [];
  let from = 0;
  let next = 1;
  while (from < packed.length) {
    // The magic bytes may stand within a member by chance: then only a later end unpacks, checksum and all.
    const to = starts[next] ?? packed.length;
    const text = await unpack(packed.subarray(from, to)).catch((error: unknown) => {
      if (to === packed.length) throw error;
      return undefined;
    });
    next += 1;
    if (text === undefined) continue;
    texts.push(text);
    from = to;
  }
  return texts.join('');
}

function memberStarts(packed: Uint8Array): readonly number[] {
  const starts: number[] = [];
  for (
    let at = packed.indexOf(MAGIC[0] ?? 0);
    at !== -1;
    at = packed.indexOf(MAGIC[0] ?? 0, at + 1)
  ) {
    if (packed[at + 1] === MAGIC[1] && packed[at + 2] === MAGIC[2]) starts.push(at);
  }
  return starts;
}

function unpack(member: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([member]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}
