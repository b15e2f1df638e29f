"use strict";

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A frame with axes. `x` and `y` are `{ from, to, title, isShare }`; the result maps values to pixels. */
function chart(x, y, label) {
  const [width, height, left, right, top, bottom] = [480, 300, 58, 14, 14, 46];
  const at = (axis, value, from, to) => axis.to > axis.from ? from + (value - axis.from) / (axis.to - axis.from) * (to - from) : from;
  const px = (value) => at(x, value, left, width - right), py = (value) => at(y, value, height - bottom, top);
  const text = (axis, value) => axis.isShare ? `${+(100 * value).toFixed(1)} %` : `${+value.toPrecision(3)}`;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (let step = 0; step <= 4; step++) {
    const vy = y.from + step / 4 * (y.to - y.from), vx = x.from + step / 4 * (x.to - x.from);
    svg.append(
      draw("line", { class: "grid", x1: left, x2: width - right, y1: py(vy), y2: py(vy) }),
      draw("text", { x: left - 6, y: py(vy) + 4, "text-anchor": "end" }, text(y, vy)),
      draw("text", { x: px(vx), y: height - bottom + 18, "text-anchor": step === 4 ? "end" : step ? "middle" : "start" }, text(x, vx)));
  }
  svg.append(draw("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x.title));
  const line = (points, kind = "line") => svg.append(
    draw("polyline", { class: kind, points: points.map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(" ") }));
  return { svg, px, py, line };
}

function put(id, title, drawing) {
  const figure = typeof id === "string" ? $(id) : id;
  figure.replaceChildren(make("figcaption", {}, ...[title].flat()), drawing.svg);
}

const shareAxis = (title, from = 0) => ({ from, to: 1, title, isShare: true });

/** The smallest quarter below all values: an axis that ends there shows differences near 100 %. */
const floorOf = (values) => Math.max(0, Math.floor((Math.min(1, ...values) - 0.001) * 20) / 20);

/**
 * For every score as a threshold, surest first: how many of the answers are at least as sure, and how many of them
 * are right. Pictures with equal scores make one point.
 */
function ranking(answers) {
  const sorted = [...answers].sort((a, b) => b.score - a.score), points = [];
  let right = 0;
  sorted.forEach((picture, index) => {
    if (!picture.isWrong) right += 1;
    if (index + 1 < sorted.length && sorted[index + 1].score === picture.score) return;
    points.push({ threshold: picture.score, count: index + 1, right, precision: right / (index + 1) });
  });
  return points;
}

/** At most about 200 of many points. */
const thinned = (points) => points.filter((_, index) => index % Math.ceil(points.length / 200) === 0 || index === points.length - 1);

/** Draws the curves of all answers, or of the answers with one label, and tells the threshold for a precision. */
function showCurves() {
  const label = $("curve-class").value === "" ? null : +$("curve-class").value;
  const wanted = Math.min(100, Math.max(0, +$("wanted").value || 0)) / 100;
  const answers = label === null ? judged : judged.filter((picture) => picture.predicted === label);
  const members = label === null ? judged.length : judged.filter((picture) => picture.label === label).length;
  const points = ranking(answers);
  // The lowest threshold from which on the precision holds gives the most answers.
  const chosen = points.findLast((point) => point.precision >= wanted - 1e-12);
  const target = label === null ? ["all classes"] : [named(labelName(label))];
  $("threshold").replaceChildren(...(chosen
    ? [`For a precision of ${percent(wanted)} take answers from a score of `, make("b", {}, chosen.threshold.toFixed(4)), " on (",
      make("code", {}, `classify --threshold ${(Math.floor(chosen.threshold * 1e4) / 1e4).toFixed(4)}`), `): ${plural(chosen.count, "answer")}, `,
      `${chosen.right} of them right, which are ${percent(chosen.right / Math.max(1, members))} of the ${plural(members, "picture")} of `, ...target, "."]
    : [`No threshold reaches a precision of ${percent(wanted)} for `, ...target, "."]));

  const floor = floorOf(points.filter((point) => point.count > answers.length / 50).map((point) => point.precision));
  const precision = chart(shareAxis("recall: right answers among all pictures of the class"), shareAxis("precision", floor), "precision by recall");
  const clip = (value) => Math.max(floor, value);
  precision.line(thinned(points).map((point) => [point.right / Math.max(1, members), clip(point.precision)]));
  const coverage = chart(shareAxis("coverage: share of answers that are taken"), shareAxis("accuracy", floor), "accuracy by coverage");
  coverage.line(thinned(points).map((point) => [point.count / Math.max(1, answers.length), clip(point.precision)]));
  if (chosen) {
    for (const [drawing, x] of [[precision, chosen.right / Math.max(1, members)], [coverage, chosen.count / answers.length]]) {
      drawing.svg.append(draw("line", { class: "chosen", x1: drawing.px(x), x2: drawing.px(x), y1: drawing.py(floor), y2: drawing.py(1) }));
    }
  }
  put("chart-precision", ["Precision and recall of ", ...target], precision);
  put("chart-coverage", ["Accuracy of the surest answers of ", ...target], coverage);
}

function showCalibration() {
  const drawing = chart(shareAxis("confidence"), shareAxis("accuracy"), "accuracy by confidence");
  drawing.line([[0, 0], [1, 1]], "ideal");
  for (const bin of report.answers.calibration) {
    if (!bin.count) continue;
    drawing.svg.append(draw("circle", {
      class: "dot", cx: drawing.px(bin.confidence), cy: drawing.py(bin.accuracy), r: 3 + 16 * Math.sqrt(bin.count / judged.length),
    }, draw("title", {}, `${plural(bin.count, "picture")}: ${percent(bin.confidence)} sure, ${percent(bin.accuracy)} right`)));
  }
  put("chart-calibration", "Calibration: how often it is right against how sure it says it is", drawing);
}

function showLearning() {
  const points = report.learning;
  if (points.length < 2) {
    $("chart-learning").remove();
    return;
  }
  const floor = floorOf(points.map((point) => point.interval[0]));
  const drawing = chart({ from: 0, to: points.at(-1).pictures, title: "pictures to train on" }, shareAxis("accuracy", floor), "accuracy by number of pictures");
  const corners = [...points.map((p) => [p.pictures, p.interval[1]]), ...points.toReversed().map((p) => [p.pictures, p.interval[0]])];
  drawing.line(corners, "band");
  drawing.line(points.map((point) => [point.pictures, point.accuracy]));
  for (const point of points) {
    drawing.svg.append(draw("circle", { class: "dot", cx: drawing.px(point.pictures), cy: drawing.py(point.accuracy), r: 5 },
      draw("title", {}, `${plural(point.pictures, "picture")}: ${percent(point.accuracy)}`)));
  }
  put("chart-learning", "Learning curve: a quarter, half, three quarters and all of the pictures, with 95 % intervals", drawing);
}

/** Draws the plots of training. */
function showPlots() {
  for (const { title, x, y, lines } of report.plots) {
    const all = lines.flatMap((line) => line.points);
    if (!all.length) continue;
    const range = (place) => [Math.min(...all.map((p) => p[place])), Math.max(...all.map((p) => p[place]))];
    const [[x0, x1], [y0, y1]] = [range(0), range(1)], room = (y1 - y0) * 0.05 || 0.05;
    const drawing = chart({ from: x0, to: x1, title: x }, { from: Math.max(0, y0 - room), to: y1 + room, title: y }, `${y} by ${x}`);
    lines.forEach((line, index) => {
      drawing.line(line.points, index ? "line second" : "line");
      if (lines.length > 1) drawing.svg.append(draw("text", { x: 460, y: 215 + 18 * index, "text-anchor": "end" }, `${index ? "orange" : "blue"}: ${line.name}`));
    });
    const figure = make("figure");
    put(figure, title, drawing);
    $("plots").append(figure);
  }
  $("training").hidden = !$("plots").children.length;
}
