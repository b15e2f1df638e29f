#!/usr/bin/env node
// Checks a page of 'cartoonctl export --format html' in a browser without a window, against 'cartoonctl classify'.
//
//     node scripts/check-page.mjs PAGE.html MODEL FOLDER [--program cartoonctl] [--browser chromium] [--screenshots DIR]
//         [--tolerance 0.001]
//
// Needs Node 18 and Chromium or Chrome; nothing else is installed. The page is opened as a file, is given the pictures of FOLDER by its
// picker, and once a camera that shows the first of them. It passes if every picture has the label that 'classify' gives it, with scores
// within the tolerance (the browser's JPEG decoder is another; networks trained with TensorFlow's, as Inception v3, differ by more), if
// the camera is answered with the label of the picture it shows, and if the page asked for no address but its own. The times are the
// page's: from the opening until it is ready and until the first answer, and the milliseconds of each picture, on one thread.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    program: { type: "string", default: ".build/release/cartoonctl" },
    browser: { type: "string", default: "chromium" },
    screenshots: { type: "string" },
    tolerance: { type: "string", default: "0.001" },
  },
});
const [page, model, folder] = positionals;
if (!folder) {
  console.error("usage: check-page.mjs PAGE.html MODEL FOLDER [--program P] [--browser B] [--screenshots DIR]");
  process.exit(2);
}
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "check-page-"));
process.on("exit", () => {
  // A browser that is still ending may write into its profile meanwhile; the checks are done by then.
  try { fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }); } catch {}
});

/** One tab of a browser that is spoken to by the DevTools protocol over a pipe. */
class Tab {
  #waiting = new Map();
  #id = 0;
  events = [];

  static async open(flags = []) {
    const tab = new Tab();
    tab.browser = spawn(
      options.browser,
      ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
        `--user-data-dir=${fs.mkdtempSync(path.join(scratch, "profile-"))}`, ...flags],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    tab.browser.on("error", (error) => { console.error(`${options.browser}: ${error.message}`); process.exit(1); });
    let received = "";
    tab.browser.stdio[4].on("data", (bytes) => {
      const messages = (received + bytes).split("\0");
      received = messages.pop();
      for (const message of messages) tab.#receive(JSON.parse(message));
    });
    const { targetId } = await tab.send("Target.createTarget", { url: "about:blank" });
    tab.session = (await tab.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await tab.send(`${domain}.enable`);
    await tab.resize(1280, 900);
    return tab;
  }

  #receive(message) {
    if (!message.id) return this.events.push(message);
    const { resolve, reject } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  }

  send(method, params = {}) {
    const id = ++this.#id;
    this.browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + "\0");
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async evaluate(expression) {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  }

  async until(expression, seconds = 600) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const value = await this.evaluate(expression);
      if (value) return value;
      if (Date.now() > end) throw new Error(`the page never came to: ${expression}; it says: ${await this.note()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  note() { return this.evaluate("document.getElementById('note')?.textContent"); }
  resize(width, height) {
    return this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  }

  /** Opens the page; returns the milliseconds until it was ready. */
  async visit() {
    await this.send("Page.navigate", { url: pathToFileURL(path.resolve(page)).href });
    return +await this.until("document.documentElement && document.documentElement.dataset.ready");
  }

  /** Gives files to the page's picker; returns the answers to them. */
  async pick(files) {
    const before = await this.evaluate("document.querySelectorAll('#past li').length");
    const { root } = await this.send("DOM.getDocument");
    const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#files" });
    await this.send("DOM.setFileInputFiles", { files: files.map((file) => path.resolve(file)), nodeId });
    await this.until(`document.querySelectorAll('#past li').length >= ${before + files.length}`);
    return JSON.parse(await this.evaluate(
      "JSON.stringify([...document.querySelectorAll('#past li')].map((item) => ({ name: item.dataset.name,"
      + " scores: JSON.parse(item.dataset.scores), milliseconds: +item.dataset.milliseconds })))"));
  }

  async screenshot(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
  }

  /** The addresses that the page asked for, without the page itself and what it holds. */
  requests() {
    return this.events.filter((event) => event.method === "Network.requestWillBeSent")
      .map((event) => event.params.request.url)
      .filter((url) => !/^(data|blob):/.test(url) && url !== pathToFileURL(path.resolve(page)).href && url !== "about:blank");
  }
  close() { this.browser.kill(); }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const highest = (scores) => scores.indexOf(Math.max(...scores));
let failures = 0;
function check(isRight, text) {
  if (!isRight) failures += 1;
  console.log(`${isRight ? "ok  " : "FAIL"} ${text}`);
}

// What 'classify' says, with labels in the order in which the page has them: that of the model.
const answers = JSON.parse(execFileSync(
  options.program, ["classify", folder, "--graph", model, "--json", "--top", "100000"], { maxBuffer: 1 << 30 }));
const labels = JSON.parse(execFileSync(options.program, ["inspect", model, "--json"], { maxBuffer: 1 << 30 })).labels;
// Pictures of equal names would be taken for each other: the page is given numbered copies.
const pictures = answers.map((answer, index) => {
  const copy = path.join(scratch, `${index}${path.extname(answer.path)}`);
  fs.copyFileSync(answer.path, copy);
  return { copy, path: answer.path, scores: labels.map((label) => answer.predictions.find((p) => p.label === label).score) };
});

const tab = await Tab.open();
const ready = await tab.visit();
const [first] = await tab.pick([pictures[0].copy]);
const firstAnswer = await tab.evaluate("performance.now()");
const given = new Map((await tab.pick(pictures.map((picture) => picture.copy))).map((answer) => [answer.name, answer]));
let [same, worst] = [0, 0];
for (const picture of pictures) {
  const answer = given.get(path.basename(picture.copy)) ?? given.get(path.parse(picture.copy).name);
  if (!answer) throw new Error(`the page gave no answer to ${picture.path}`);
  const isSame = highest(answer.scores) === highest(picture.scores);
  if (isSame) same += 1;
  else console.log(`     ${picture.path}: ${labels[highest(answer.scores)]}, not ${labels[highest(picture.scores)]}`);
  worst = Math.max(worst, ...answer.scores.map((score, index) => Math.abs(score - picture.scores[index])));
}
check(same === pictures.length, `${same} of ${pictures.length} pictures have the label of 'classify'`);
check(worst <= +options.tolerance, `scores differ by at most ${worst.toExponential(1)}`);
check(tab.requests().length === 0, `requests of the page: ${tab.requests().join(" ") || "none"}`);
const times = [...given.values()].map((answer) => answer.milliseconds);
console.log(
  `     ready after ${ready.toFixed(0)} ms, first answer after ${firstAnswer.toFixed(0)} ms;`
  + ` a picture takes ${median(times).toFixed(1)} ms (median), ${Math.min(...times).toFixed(1)} ms (least)`);
if (options.screenshots) {
  fs.mkdirSync(options.screenshots, { recursive: true });
  for (const theme of ["light", "dark"]) {
    await tab.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
    for (const [width, height] of [[390, 844], [1280, 900]]) {
      await tab.resize(width, height);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await tab.screenshot(path.join(options.screenshots, `page-${width}-${theme}.png`));
    }
  }
}

// The camera shows the middle of the first picture, which is also given to the picker.
const side = 480, [width, height] = [640, 480];
const source = `data:image/*;base64,${fs.readFileSync(pictures[0].copy).toString("base64")}`;
const square = await tab.evaluate(`(async () => {
  const image = new Image(); image.src = ${JSON.stringify(source)}; await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: ${side}, height: ${side} });
  const context = canvas.getContext("2d"), side = Math.min(image.width, image.height);
  context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, ${side}, ${side});
  const pixels = context.getImageData(0, 0, ${side}, ${side}).data;
  return { png: canvas.toDataURL().split(",")[1], pixels: btoa(Array.from(pixels, (v) => String.fromCharCode(v)).join("")) };
})()`);
const still = path.join(scratch, "still.png");
fs.writeFileSync(still, Buffer.from(square.png, "base64"));
const shown = (await tab.pick([still])).find((answer) => answer.name.startsWith("still"));
tab.close();

const film = path.join(scratch, "camera.y4m");
fs.writeFileSync(film, y4m(Buffer.from(square.pixels, "base64")));
const camera = await Tab.open([
  "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`]);
await camera.visit();
await camera.evaluate("document.getElementById('camera').click()");
await camera.until("document.getElementById('video').dataset.scores", 60);
await new Promise((resolve) => setTimeout(resolve, 2000));
const seen = JSON.parse(await camera.evaluate("document.getElementById('video').dataset.scores"));
check(highest(seen) === highest(shown.scores),
  `the camera shows ${labels[highest(shown.scores)]} and is answered with ${labels[highest(seen)]}, ${seen[highest(seen)].toFixed(3)}`);
console.log(`     ${(await camera.evaluate("document.getElementById('time').textContent")).trim()}`);
camera.close();
process.exit(failures ? 1 : 0);

/** A film of 20 equal frames with the square in its middle, by the matrix of BT.601 in the range of studios. */
function y4m(rgba) {
  const left = (width - side) / 2, frame = Buffer.alloc(width * height * 3 / 2, 16);
  frame.fill(128, width * height);
  const chroma = (plane, x, y) => width * height + plane * width * height / 4 + (y >> 1) * (width / 2) + (x >> 1);
  for (let y = 0; y < side; y += 1) for (let x = 0; x < side; x += 1) {
    const [r, g, b] = rgba.subarray((y * side + x) * 4).subarray(0, 3), luma = 0.299 * r + 0.587 * g + 0.114 * b;
    frame[y * width + left + x] = Math.round(16 + luma * 219 / 255);
    if (x % 2 === 0 && y % 2 === 0) {
      frame[chroma(0, left + x, y)] = Math.round(128 + (b - luma) / 1.772 * 224 / 255);
      frame[chroma(1, left + x, y)] = Math.round(128 + (r - luma) / 1.402 * 224 / 255);
    }
  }
  const frames = Array.from({ length: 20 }, () => [Buffer.from("FRAME\n"), frame]).flat();
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\n`), ...frames]);
}
