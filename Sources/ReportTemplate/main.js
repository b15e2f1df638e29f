"use strict";

/** The standard deviation. */
function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1));
}

function showOverview() {
  const answers = report.answers, tile = (value, ...text) => $("overview").append(make("div", {}, make("b", {}, value), ...text));
  if (answers) {
    tile(percent(answers.accuracy), `accuracy, 95 % interval ${percent(answers.interval[0])} to ${percent(answers.interval[1])}; ${answers.name.toLowerCase()}`);
    tile(judged.length.toLocaleString("en"), `pictures, ${plural(wrong.length, "mistake")}`);
    tile(answers.macroF1.toFixed(3), `mean F1 of ${plural(report.labels.length, "class", "classes")}`);
    tile(answers.calibrationError.toFixed(3), "calibration error");
    if (answers.folds) tile(`± ${(100 * deviation(answers.folds)).toFixed(1)}`, `points from fold to fold: ${answers.folds.map((share) => (100 * share).toFixed(1)).join(", ")} %`);
  } else {
    tile(pictures.length.toLocaleString("en"), "pictures were found fault with");
    tile(String(report.classes.length), "classes");
  }
  for (const sentence of report.advice.slice(1)) $("further").append(make("li", {}, sentence));
  $("further").hidden = report.advice.length < 2;
  if (pictures.length === 0) $("pictures").hidden = true;
}

/** The findings of the audit, in the way that suits each kind. */
function showFindings() {
  const limit = 24;
  for (const { kind, title, items } of report.findings) {
    const pictured = items.every((item) => item.picture !== undefined);
    const box = make("div", { class: pictured ? (kind.includes("duplicate") || kind === "mislabelled" ? "pairs" : "gallery") : "" });
    const show = (count) => {
      const part = items.slice(box.children.length, count);
      if (!pictured) box.append(make("ul", { class: "rows" }, ...items.map((item) => make("li", {}, named(item.path, 4000), " ", make("span", { class: "soft" }, named(item.reason, 500))))));
      else box.append(...part.map((item) => findingBox(kind, item)));
      more.hidden = !pictured || box.children.length >= items.length;
    };
    const more = make("button", { type: "button", onclick: () => show(box.children.length + 120) }, "Show more");
    $("found").append(make("h3", { id: `found-${kind}` }, `${title[0].toUpperCase()}${title.slice(1)}: ${items.length}`), box, more);
    show(limit);
  }
  $("findings").hidden = !report.findings.length;
}

function findingBox(kind, item) {
  const picture = pictures[item.picture];
  if (item.other !== undefined) {
    const other = pictures[item.other], acts = (one) => make("div", { class: "acts", "data-acts": one.index }, ...planButtons(one));
    return make("div", { class: "pair" },
      make("div", { class: "strip" }, make("div", {}, figure(other), acts(other)), make("div", {}, figure(picture), acts(picture))),
      make("p", {}, named(item.reason, 500)));
  }
  if (kind === "mislabelled") {
    return make("div", { class: "pair suspect" }, figure(picture, 120), make("p", {}, named(item.reason, 500)),
      make("div", { class: "acts", "data-acts": picture.index }, ...planButtons(picture)));
  }
  const shown = figure(picture);
  shown.lastChild.append(make("br"), named(item.reason, 500));
  return shown;
}

// The gallery of all pictures, filtered.

const gallery = { matches: [], shown: 0, step: 96 };

function matchingPictures() {
  const form = $("filter"), text = form.text.value.toLowerCase(), [label, predicted] = [form.label.value, form.predicted.value];
  const show = form.show.value;
  const result = pictures.filter((picture) =>
    (label === "" || picture.label === +label) && (predicted === "" || picture.predicted === +predicted)
    && (show === "" || show === "wrong" && picture.isWrong || show === "right" && picture.predicted === picture.label
      || show === "planned" && (planned.get(planPath(picture))?.action ?? "keep") !== "keep" || picture.findings.some((finding) => finding.kind === show))
    && (text === "" || (report.pictures.root + picture.path).toLowerCase().includes(text) || picture.findings.some((finding) => finding.reason.toLowerCase().includes(text))));
  const sure = (picture) => picture.score ?? -1;
  if (form.order.value === "surest") result.sort((a, b) => b.isWrong - a.isWrong || sure(b) - sure(a));
  if (form.order.value === "unsure") result.sort((a, b) => sure(a) - sure(b));
  return result;
}

function showGallery() {
  gallery.matches = matchingPictures();
  gallery.shown = 0;
  $("gallery").replaceChildren();
  $("count").textContent = `${plural(gallery.matches.length, "picture")} of ${pictures.length.toLocaleString("en")}`;
  extendGallery();
}

function extendGallery() {
  const next = gallery.matches.slice(gallery.shown, gallery.shown + gallery.step);
  $("gallery").append(...next.map((picture) => figure(picture)));
  gallery.shown += next.length;
  $("more").hidden = gallery.shown >= gallery.matches.length;
}

/** Shows the pictures of a true class, and those that are taken for another, wherever the page is. */
function filterPictures({ label = "", predicted = "" }) {
  const form = $("filter");
  form.reset();
  form.label.value = label;
  form.predicted.value = predicted;
  showGallery();
  $("pictures").scrollIntoView();
}

function prepareFilter() {
  const form = $("filter"), option = (value, text) => make("option", { value }, text);
  const labels = () => [option("", "all"), ...report.labels.map((label, index) => option(index, label))];
  form.label.append(...labels());
  form.predicted.append(...labels());
  form.predicted.parentElement.hidden = !report.answers;
  form.show.append(option("", "all"), ...(report.answers ? [option("wrong", "mistakes"), option("right", "right answers")] : []),
    ...report.findings.filter(({ items }) => items[0].picture !== undefined).map(({ kind, title }) => option(kind, title)),
    ...(report.plan ? [option("planned", "what the plan changes")] : []));
  form.addEventListener("input", showGallery);
  form.addEventListener("reset", () => setTimeout(showGallery));
  form.addEventListener("submit", (event) => event.preventDefault());
  $("more").addEventListener("click", extendGallery);
}

function showRepeat() {
  $("repeat").hidden = !report.command;
  $("command").textContent = report.command;
  for (const { name, value } of report.facts) $("facts").append(make("dt", {}, name), make("dd", {}, value));
}

showOverview();
if (report.answers && report.labels.length > 1) {
  for (const id of ["confusion", "classes", "curves"]) $(id).hidden = false;
  showPairs();
  showMatrix();
  showCards();
  $("curve-class").append(make("option", { value: "" }, "all"), ...report.labels.map((label, value) => make("option", { value }, label)));
  $("curves").addEventListener("input", showCurves);
  showCurves();
  showCalibration();
  showLearning();
}
showPlots();
showFindings();
prepareFilter();
showGallery();
showRepeat();
showPlan();
for (const section of document.querySelectorAll("main > section:not([hidden])")) {
  $("contents").append(make("a", { href: `#${section.id}` }, section.firstElementChild.textContent));
}
$("detail").addEventListener("click", (event) => { if (event.target === $("detail")) $("detail").close(); });
