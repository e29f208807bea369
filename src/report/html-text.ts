/** Text in HTML: nothing that a name or a value says can be markup. */
export function text(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Between double quotes. */
export function attribute(raw: string): string {
  return text(raw).replaceAll('"', '&quot;');
}
