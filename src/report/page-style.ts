/** What all pages look like: colours of both schemes, text, tables, code; readable at 400 px, usable by keyboard. */

export const PAGE_STYLE = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#57606a;--back:#fff;--card:#f6f8fa;--grid:#d0d7de66;
--fault:#d55e0022;--line:#d0d7de;--accent:#0072b2;--good:#00795a;--bad:#b8450b}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9aa4af;--back:#0d1117;--card:#161b22;
--grid:#30363d88;--fault:#d55e0040;--line:#30363d;--accent:#56b4e9;--good:#2ecc9b;--bad:#ff8c42}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1200px;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);
background:var(--back)}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
p{max-width:75ch}ul.verdict{padding-left:1.2rem;font-size:1.05rem}ul.verdict li{overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:1rem}
figure{margin:0;padding:.5rem;background:var(--card);border:1px solid var(--line);border-radius:6px;min-width:0;
overflow:hidden}
figcaption{font-weight:600;font-size:.95rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}tr>th:first-child{position:sticky;left:0;background:var(--back)}
td.differs{background:var(--fault);font-weight:600}
pre{background:var(--card);border:1px solid var(--line);padding:.6rem;overflow-x:auto}
code{font-family:ui-monospace,monospace}
a{color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media(max-width:500px){body{padding:.6rem}h1{font-size:1.3rem}}
`;
