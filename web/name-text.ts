import type { Kind } from './leaders.ts';

/** What stands for a name that is NULL or has nothing to see. */
export const NO_NAME = '(no name)';

/** What one of a kind is called. */
export const KIND_TEXT: Readonly<Record<Kind, string>> = {
  person: 'person',
  bot: 'bot',
  anonymous: 'anonymous',
};

/** Letters of the scripts that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\p{sc=Adlam}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Mandaic}\p{sc=Nko}\p{sc=Samaritan}\p{sc=Syriac}\p{sc=Thaana}]/u;

/** The text of a name, never empty. */
export function nameText(name: string | null): string {
  return name === null || name.trim() === '' ? NO_NAME : name;
}

/** The direction that `dir=auto` finds: that of the first letter (HTML, "The dir attribute"). */
export function directionOf(text: string): 'ltr' | 'rtl' {
  const letter = /\p{L}/u.exec(text)?.[0];
  return letter !== undefined && RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}

/** The width of a text in px. */
export type Measure = (text: string) => number;

/**
 * The longest beginning of a text that is at most `width` px wide, with an ellipsis where it was
 * cut; '' where not even one letter and the ellipsis have room. O(log n) measurements.
 */
export function fitText(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text;
  const letters = Array.from(text);
  let [fits, tooLong] = [0, letters.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (measure(cut(letters, middle)) <= width) fits = middle;
    else tooLong = middle;
  }
  return fits === 0 ? '' : cut(letters, fits);
}

function cut(letters: readonly string[], length: number): string {
  return `${letters.slice(0, length).join('').trimEnd()}…`;
}
