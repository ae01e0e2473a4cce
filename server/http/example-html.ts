import type { Item } from '../example-items.ts';
import { delayMs } from '../example-items.ts';

/** What the form page shows; HTML out of data, nothing else. */
export interface FormPage {
  readonly items: readonly Item[];
  /** Under which the next message is sent: sent twice by a double click it counts once. */
  readonly id: string;
  /** What is still in the form. */
  readonly value: string;
  readonly notice: Notice | null;
}

export interface Notice {
  readonly kind: 'done' | 'waiting' | 'problem';
  readonly text: string;
}

/** Safe as text and within quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export function formPage({ items, id, value, notice }: FormPage): string {
  const told =
    notice === null
      ? ''
      : `\n<p class="notice ${notice.kind}" role="status">${escapeHtml(notice.text)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Send a message · viewcast</title>
<link rel="stylesheet" href="../pages/pages.css">
<script type="module" src="../pages/example.js"></script>
</head>
<body>
<main>
<h1>Send a message</h1>
<p>It goes into the topic <code>example</code>, and is listed when the view <code>archive</code> shows it.
The same <a href="../ws-example/">over a WebSocket</a>, or by <a href="../docs/">HTTP</a>.</p>${told}
<form method="post" action="./">
<input type="hidden" name="id" value="${escapeHtml(id)}" autocomplete="off">
<label for="value">Message</label>
<input id="value" name="value" maxlength="250" placeholder="Optional message" autocomplete="off" value="${escapeHtml(value)}">
<button type="submit">Send</button>
</form>
<h2>The newest 20</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Data Id</th><th scope="col">Started</th><th scope="col">Received</th><th scope="col">Delay (ms)</th><th scope="col">Value</th><th scope="col">Provenance</th></tr></thead>
<tbody id="items">
${items.map(itemRow).join('\n')}
</tbody>
</table></div>
</main>
</body>
</html>
`;
}

function itemRow(item: Item): string {
  const hops = item.data_provenance.map((hop) => `<li>${escapeHtml(hop)}</li>`).join('');
  const cell = (text: unknown) => `<td dir="auto">${escapeHtml(String(text ?? ''))}</td>`;
  return `<tr>${cell(item.data_id)}${cell(item.timestamp)}${cell(item.created_date)}${cell(
    delayMs(item),
  )}${cell(item.value)}<td><details><summary>${item.data_provenance.length} hops</summary><ol>${hops}</ol></details></td></tr>`;
}
