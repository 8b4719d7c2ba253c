/** The look of the shop: one sheet, inline, light and dark, nothing loaded from anywhere. */
export const style = `
:root { color-scheme: light dark;
  --ink: light-dark(#2b211a, #f1e9e0); --soft: light-dark(#77685c, #a99a8c);
  --paper: light-dark(#faf6f0, #191412); --card: light-dark(#ffffff, #241d19);
  --line: light-dark(#e8ddd0, #3a302a); --accent: light-dark(#7b4b2a, #e0a878);
  --sale: light-dark(#c2261d, #ff7a6b); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; }
header { display: flex; align-items: center; gap: .75rem; padding: 1rem clamp(1rem, 5vw, 4rem);
  border-bottom: 1px solid var(--line); }
header a { color: inherit; text-decoration: none; }
header .brand { font: 600 1.35rem/1 ui-serif, Georgia, serif; letter-spacing: .01em; }
header svg { inline-size: 34px; color: var(--accent); }
header .cart { margin-inline-start: auto; padding: .45rem 1rem; border: 1px solid var(--line);
  border-radius: 999px; }
main { max-inline-size: 1120px; margin: 0 auto; padding: 2rem clamp(1rem, 5vw, 2rem); }
h1 { font: 600 2rem/1.2 ui-serif, Georgia, serif; margin: .5rem 0 .25rem; }
.lead { color: var(--soft); margin: 0 0 2rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 1.25rem; }
.card { display: flex; flex-direction: column; gap: .4rem; padding: 1.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; }
.card h2 { margin: 0; font: 600 1.15rem/1.3 ui-serif, Georgia, serif; }
.card h2 a { color: inherit; text-decoration: none; }
.card h2 a:hover { text-decoration: underline; }
.card .bag { block-size: 120px; border-radius: 10px; display: grid; place-items: center; }
.card .bag svg { block-size: 88px; color: #fffdf9; opacity: .92; }
.soft { color: var(--soft); font-size: .9rem; }
.row { display: flex; align-items: center; gap: .6rem; margin-block-start: auto; padding-block-start: .6rem; }
.price { font-weight: 650; font-size: 1.1rem; }
.sale { color: var(--sale); }
.badge { background: var(--sale); color: var(--paper); border-radius: 999px; padding: .05rem .6rem;
  font-size: .75rem; font-weight: 650; }
.stars { letter-spacing: .12em; }
.stars.red { color: #d3271d; }
button { font: inherit; font-weight: 600; padding: .45rem 1.1rem; border: 0; border-radius: 999px;
  background: var(--accent); color: var(--paper); cursor: pointer; margin-inline-start: auto; }
button:hover { filter: brightness(1.1); }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
form { display: contents; }
blockquote { margin: .3rem 0 0; padding-inline-start: .8rem; border-inline-start: 3px solid var(--line); }
table { inline-size: 100%; border-collapse: collapse; background: var(--card); border-radius: 14px; }
td, th { text-align: start; padding: .8rem 1rem; border-block-end: 1px solid var(--line); }
td:last-child, th:last-child { text-align: end; }
footer { color: var(--soft); font-size: .85rem; padding: 2rem; text-align: center; }
code { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 0 .4rem; }
`;
