// Colours are those of Argo CD's themes, dark by the class that Argo CD puts
// around everything. All text has a contrast of at least 4.5 to what is behind it.
const text = `
.assay{--assay-edge:#ccd6dd;--assay-soft:#f4f7f9;--assay-text:#363c4a;--assay-quiet:#566573;--assay-link:#006f8a;
--assay-allowed:#0b7a4b;--assay-denied:#b3261e;--assay-unanswered:#8a5300;--assay-unknown:#566573;
color:var(--assay-text);font-size:14px;line-height:1.5;text-align:left;overflow-wrap:anywhere}
.theme-dark .assay{--assay-edge:#495763;--assay-soft:#1c1f21;--assay-text:#e6ecf0;--assay-quiet:#a9b8c4;--assay-link:#5fd0e6;
--assay-allowed:#4bd39b;--assay-denied:#ff8f87;--assay-unanswered:#f5b95f;--assay-unknown:#a9b8c4}
.assay *{box-sizing:border-box}
.assay-tab{padding:20px;max-width:1100px}
.assay h3,.assay h4{margin:0;font-weight:600;color:var(--assay-text);line-height:1.4}
.assay h3{font-size:16px}
.assay h4{font-size:14px}
.assay p{margin:4px 0;font-size:14px;line-height:1.5;color:inherit}
.assay ul{list-style:none;margin:0;padding:0;font-size:14px}
.assay li{margin:0}
.assay a{color:var(--assay-link);text-decoration:underline}
.assay a:focus-visible,.assay button:focus-visible,.assay summary:focus-visible{outline:2px solid var(--assay-link);outline-offset:2px}
.assay button{text-transform:none;font:inherit;color:var(--assay-link);background:none;border:1px solid var(--assay-edge);border-radius:4px;padding:2px 10px;cursor:pointer}
.assay button:disabled{opacity:.6;cursor:default}
.assay code{font-family:SFMono-Regular,Consolas,Menlo,monospace;font-size:12.5px;background:none;border:0;padding:0;color:inherit;font-weight:inherit}
.assay summary{cursor:pointer;color:var(--assay-quiet)}
.assay-head{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;justify-content:space-between}
.assay-outcome{font-weight:600;display:inline-flex;align-items:center;gap:.4em;white-space:nowrap}
.assay-head .assay-outcome{font-size:22px}
.assay .assay-allowed{color:var(--assay-allowed)}
.assay .assay-denied{color:var(--assay-denied)}
.assay .assay-unanswered{color:var(--assay-unanswered)}
.assay .assay-unknown{color:var(--assay-unknown)}
.assay .assay-quiet{color:var(--assay-quiet)}
.assay-box{border:1px solid var(--assay-edge);border-left:4px solid var(--assay-mark,var(--assay-edge));border-radius:4px;padding:10px 14px;margin:8px 0;background:var(--assay-soft)}
.assay-box.is-deny{--assay-mark:var(--assay-denied)}
.assay-box.is-undetermined,.assay-box.is-warn{--assay-mark:var(--assay-unanswered)}
.assay-box.is-allowed{--assay-mark:var(--assay-allowed)}
.assay section{margin-top:22px}
.assay dl{display:grid;grid-template-columns:minmax(7em,max-content) minmax(0,1fr);gap:2px 14px;margin:8px 0 0;font-size:14px}
.assay dt{color:var(--assay-quiet);font-weight:400;margin:0}
.assay dd{margin:0;min-width:0}
.assay details.assay-source{border-top:1px solid var(--assay-edge);padding:10px 0}
.assay details.assay-source>summary{color:var(--assay-text)}
.assay-level{font-weight:600;margin-right:.6em}
.assay-panel{cursor:default}
.assay-panel .assay-sum{margin:0;font-size:13px}
.assay.assay-panel{padding:5px 20px;margin-top:5px;flex-shrink:0;line-height:1.2;max-width:270px}
.assay-panel label{display:block;font-size:12px;font-weight:600;color:var(--assay-quiet);min-height:18px;margin:0 10px 0 0}
.assay.assay-panel button{display:block;border:0;padding:2px 0;margin-bottom:.3em;font-size:20px;font-weight:500;line-height:1.3;text-align:left;text-decoration:none;color:inherit}
@media (max-width:600px){.assay-tab{padding:12px}.assay dl{grid-template-columns:minmax(0,1fr);gap:0}.assay dd{margin-bottom:6px}}
`;

// addStyle gives the page the rules. They come by a script's own sheet, which
// also a Content-Security-Policy without inline styles lets pass.
export function addStyle(page: Document): void {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
}
