// Makes countries.tsv: ISO 3166-1 alpha-2 and the short English name of Unicode CLDR, which Node carries.
//
//     node build_countries.mjs > countries.tsv        (Node 20.20, ICU 78.2)
const names = new Intl.DisplayNames("en", { type: "region", style: "short", fallback: "none" });
const better = { US: "the United States", GB: "the United Kingdom", AE: "the United Arab Emirates", NL: "the Netherlands", PH: "the Philippines", BA: "Bosnia and Herzegovina" };
// Codes of CLDR that are no countries of ISO 3166-1, and reserved or withdrawn ones.
const not = new Set("AC AN BU CP CQ CS CT DD DG DY EA EU EZ FQ FX HV IC JT MI NH NQ NT PC PU PZ QO QU RH SU TA TP UK UN VD WK XA XB XK YD YU ZR ZZ".split(" "));
const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
for (const a of letters) for (const b of letters) {
  const name = names.of(a + b);
  if (name && !not.has(a + b)) console.log(`${a}${b}\t${better[a + b] ?? name.replace("&", "and").replace("St.", "Saint")}`);
}
