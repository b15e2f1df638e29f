"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

/** Creates an element. Children that are strings become text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A name of the user's, whose direction of writing must not reorder what is around it; a long one is cut in its middle. */
function named(text, longest = 72) {
  const letters = [...text];
  if (letters.length <= longest) return make("bdi", {}, text);
  const half = longest >> 1;
  return make("bdi", { title: text }, `${letters.slice(0, half).join("")}…${letters.slice(-half).join("")}`);
}
const labelName = (index) => report.labels[index] ?? "no class";
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const plural = (count, one, many = one + "s") => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Each picture as one object. `predicted`, `score` and `own` are there where a model was asked. */
const pictures = report.pictures.paths.map((path, index) => ({
  index, path, label: report.pictures.labels[index], findings: [],
  get name() { return this.path.slice(this.path.lastIndexOf("/") + 1); },
  get isWrong() { return this.predicted !== undefined && this.predicted !== this.label; },
}));
const judged = (report.answers?.pictures ?? []).map((index, row) => Object.assign(pictures[index], {
  predicted: report.answers.predicted[row], score: report.answers.scores[row] / 1e4, own: report.answers.own[row] / 1e4,
}));
for (const { kind, title, items } of report.findings) {
  for (const item of items) {
    if (item.picture !== undefined) pictures[item.picture].findings.push({ kind, title, ...item });
  }
}
const wrong = judged.filter((picture) => picture.isWrong).sort((a, b) => b.score - a.score);

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** The address of a sheet of thumbnails, made when it is first shown. */
const sheetAddress = (() => {
  const addresses = [];
  return (index) => addresses[index] ??= URL.createObjectURL(new Blob(
    [bytesOf(report.pictures.sheets[index].image)], { type: "image/jpeg" }));
})();

/** A picture's thumbnail, at most `side` pixels wide and high; text where there is none. */
function sprite(picture, side, enlarges = false) {
  const place = (side > 64 ? report.pictures.large[picture.index] : null) ?? report.pictures.small[picture.index];
  if (!place) return make("span", { class: "none" }, "no preview");
  const [sheet, position, width, height] = place, { side: cell, columns, rows } = report.pictures.sheets[sheet];
  const zoom = Math.min(side / Math.max(width, height), enlarges ? 8 : 2);
  const element = make("span", { class: "sprite", role: "img", "aria-label": picture.path });
  Object.assign(element.style, {
    width: `${width * zoom}px`, height: `${height * zoom}px`,
    backgroundImage: `url(${sheetAddress(sheet)})`,
    backgroundSize: `${columns * cell * zoom}px ${rows * cell * zoom}px`,
    backgroundPosition: `-${(position % columns) * cell * zoom}px -${Math.floor(position / columns) * cell * zoom}px`,
  });
  return element;
}

/** What is said of a picture, on one line. */
function verdict(picture) {
  if (picture.predicted === undefined) return [named(labelName(picture.label))];
  const sure = percent(picture.score, picture.score > 0.9995 || picture.score < 0.1 ? 1 : 0);
  return picture.isWrong
    ? ["is ", named(labelName(picture.label)), ", taken for ", named(labelName(picture.predicted)), ` (${sure})`]
    : [named(labelName(picture.label)), ` (${sure})`];
}

/** A picture with a caption, which opens by a click. */
function figure(picture, side = 88) {
  const mark = planMark(picture);
  return make("figure", {},
    make("button", {
      type: "button", class: picture.isWrong ? "thumb wrong" : "thumb", title: picture.path, "data-picture": picture.index,
      onclick: () => showDetail(picture),
    }, sprite(picture, side)),
    make("figcaption", { title: picture.path }, ...(mark ? [make("span", { class: "mark" }, mark), " "] : []),
      ...verdict(picture), make("br"), make("span", { class: "soft" }, named(picture.name))));
}

/** Draws a heat map: red places spoke for the wrong answer rather than the right one, blue ones against it. */
function drawMap(canvas, { rows, columns, values }) {
  const bytes = new Int8Array(bytesOf(values).buffer);
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  bytes.forEach((value, place) => {
    const color = value > 0 ? [230, 25, 25] : [30, 80, 230];
    image.data.set([...color, Math.round(Math.abs(value) / 127 * 190)], place * 4);
  });
  context.putImageData(image, 0, 0);
}

/** Opens a picture with all that is known of it. */
function showDetail(picture) {
  const dialog = $("detail"), map = report.maps[picture.index];
  const image = sprite(picture, Math.min(400, innerWidth - 70), true);
  const stage = make("div", { class: "stage" }, image), canvas = make("canvas", { hidden: true });
  stage.style.width = image.style.width;
  if (map) {
    drawMap(canvas, map);
    stage.append(canvas);
  }
  const toggle = map && make("button", {
    type: "button", "aria-pressed": "false", onclick: (event) => {
      canvas.hidden = !canvas.hidden;
      event.currentTarget.setAttribute("aria-pressed", String(!canvas.hidden));
    },
  }, "Heat map: why ", named(labelName(picture.predicted)), " rather than ", named(labelName(picture.label)));
  dialog.replaceChildren(
    stage, make("p", {}, ...verdict(picture)),
    ...picture.findings.map((finding) => make("p", {}, `${finding.title}: `, named(finding.reason, 500))),
    make("p", { class: "soft" }, named(report.pictures.root + picture.path, 4000)),
    make("div", { class: "acts" }, toggle ?? null, ...planButtons(picture, () => showDetail(picture)),
      make("button", { type: "button", onclick: () => dialog.close() }, "Close")));
  if (!dialog.open) dialog.showModal();
}
