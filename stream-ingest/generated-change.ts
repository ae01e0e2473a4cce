/**
 * Invented changes for people without a network, in the shape of Wikimedia's events and with about
 * the mix of types measured in 2021. Each is a function of a seed and its number, so that a
 * generator goes on after a restart as if it had never stopped.
 */

const users = 20_000;

const wikis = [
  ['commonswiki', 'commons.wikimedia.org'],
  ['wikidatawiki', 'www.wikidata.org'],
  ['enwiki', 'en.wikipedia.org'],
  ['viwiki', 'vi.wikipedia.org'],
  ['dewiki', 'de.wikipedia.org'],
  ['frwiki', 'fr.wikipedia.org'],
  ['arwiki', 'ar.wikipedia.org'],
  ['jawiki', 'ja.wikipedia.org'],
  ['hewiki', 'he.wikipedia.org'],
  ['enwiktionary', 'en.wiktionary.org'],
] as const;

const adjectives = ['Amber', 'Brisk', 'Calm', 'Dusty', 'Early', 'Fond', 'Grey', 'Hazel', 'Idle'];
const nouns = ['Heron', 'Kestrel', 'Larch', 'Otter', 'Pike', 'Quail', 'Rowan', 'Sparrow', 'Tern'];
const places = ['harbour', 'bridge', 'observatory', 'lighthouse', 'mill', 'garden', 'tunnel'];
const foreignTitles = ['نموذج مولّد', 'ערך לדוגמה', '生成された例', 'Bài viết mẫu'];

/** A sequence of numbers from 0 to below 1 (splitmix32), as long as one change needs. */
function sequence(seed: number, n: number): () => number {
  let state = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(n + 1, 0xc2b2_ae35)) >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A rank from 0 to below n, rank r about 1 / (r + 1) as frequent as the first (Zipf's law). */
function zipf(n: number, random: () => number): number {
  return Math.min(n - 1, Math.floor((n + 1) ** random()) - 1);
}

function pick<T>(from: readonly T[], index: number): T {
  const chosen = from[index % from.length];
  if (chosen === undefined) throw new RangeError('picking needs at least one element, got none');
  return chosen;
}

/** Some are bots, some addresses (of the documentation's range), some temporary accounts. */
function userName(rank: number): string {
  if (rank % 9 === 4) return `192.0.2.${rank % 256}`;
  if (rank % 11 === 6) return `~2026-${10_000 + rank}-${10 + (rank % 90)}`;
  const name = `${pick(adjectives, rank * 7)} ${pick(nouns, Math.floor(rank / 9))}`;
  const number = rank < 81 ? '' : ` ${Math.floor(rank / 81)}`;
  return rank % 5 === 0 ? `${name}${number} Bot` : `${name}${number}`;
}

function typeFields(n: number, random: () => number): Record<string, unknown> {
  const share = random();
  const size = Math.floor(2 ** (6 + random() * 10));
  const old = Math.max(0, size + Math.floor((random() - 0.45) * 400));
  const revision = { old: 1_000_000 + 2 * n, new: 1_000_001 + 2 * n };
  if (share < 0.63) {
    return { type: 'edit', minor: random() < 0.4, length: { old, new: size }, revision };
  }
  if (share < 0.93) return { type: 'categorize', namespace: 14 };
  if (share < 0.95) {
    return {
      type: 'new',
      length: { new: size },
      revision: { new: revision.new },
      patrolled: false,
    };
  }
  const params = random() < 0.8 ? { userid: Math.floor(random() * 1e6) } : [];
  return { type: 'log', log_id: n, log_type: 'upload', log_action: 'upload', log_params: params };
}

function title(random: () => number): string {
  if (random() < 0.1) return pick(foreignTitles, Math.floor(random() * foreignTitles.length));
  const place = pick(places, zipf(places.length, random));
  return `Invented ${place} & ${pick(nouns, Math.floor(random() * nouns.length))}`;
}

/**
 * The change number `n` (from 0) of the generator `seed`, as JSON. One in a thousand has no user,
 * as on redacted pages.
 */
export function generatedChange(seed: number, n: number, nowMs: number): string {
  const random = sequence(seed, n);
  const rank = zipf(users, random);
  const [wiki, server] = pick(wikis, zipf(wikis.length, random));
  const id = `generated-${seed}-${n}`;
  const name = title(random);
  return JSON.stringify({
    $schema: '/mediawiki/recentchange/1.0.1',
    meta: {
      uri: `https://${server}/wiki/${encodeURIComponent(name.replaceAll(' ', '_'))}`,
      id,
      dt: new Date(nowMs).toISOString(),
      domain: server,
      stream: 'viewcast.generated',
    },
    id: n,
    namespace: 0,
    title: name,
    comment: 'generated, no real change',
    timestamp: Math.floor(nowMs / 1000),
    ...(random() < 0.001 ? {} : { user: userName(rank) }),
    bot: userName(rank).endsWith('Bot'),
    server_url: `https://${server}`,
    server_name: server,
    server_script_path: '/w',
    wiki,
    ...typeFields(n, random),
  });
}
