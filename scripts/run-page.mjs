#!/usr/bin/env node
// Runs the worker of a page of 'cartoonctl export --format html' without a browser, and prints the scores of pictures as JSON.
//
//     node scripts/run-page.mjs PAGE.html WIDTH HEIGHT PIXELS... [--engine relaxedEngine]
//
// PIXELS are files of RGBA values, row by row. The lines of the answer are [[score, ...], ...] in the order of the page's labels, then the
// milliseconds of each picture. Needs Node 18; scripts/check_networks.py calls it.
import fs from "node:fs";
import { parseArgs } from "node:util";
import v8 from "node:v8";

// Node before version 21 knows relaxed SIMD by a flag alone.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
const { values: options, positionals } = parseArgs({
  allowPositionals: true, options: { engine: { type: "string", default: "engine" } },
});
const [page, width, height, ...files] = positionals;
const bytes = fs.readFileSync(page);

/** The text of an element; the page may be longer than a string can be. */
function part(name) {
  const open = Buffer.from(`id="${name}">`), begin = bytes.indexOf(open) + open.length;
  return bytes.subarray(begin, bytes.indexOf("</script>", begin)).toString("latin1").trim();
}

const answers = [];
let resolve;
const worker = new Function("postMessage", `let onmessage; ${part("worker")}; return onmessage;`)((message) => resolve(message));
const ask = (data) => new Promise((done) => { resolve = done; worker({ data }); });
const opened = await ask({ engine: part(options.engine), model: part("model") });
if (opened.error) throw new Error(opened.error);
for (const [id, file] of files.entries()) {
  const answer = await ask({ id, width: +width, height: +height, pixels: new Uint8Array(fs.readFileSync(file)).buffer });
  if (answer.error) throw new Error(answer.error);
  answers.push(answer);
}
console.log(JSON.stringify(answers.map((answer) => answer.scores)));
console.log(JSON.stringify(answers.map((answer) => answer.milliseconds)));
