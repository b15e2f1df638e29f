"use strict";

/** How many pictures of one class (row) are taken for another (column). */
const confusion = report.labels.map(() => new Array(report.labels.length).fill(0));
for (const picture of judged) confusion[picture.label][picture.predicted] += 1;

/** The unordered pairs of classes by the number of mistakes between them. */
const confusedPairs = report.labels.flatMap((_, a) => report.labels.slice(0, a).map((_, b) => ({
  a: b, b: a, count: confusion[a][b] + confusion[b][a],
}))).filter((pair) => pair.count).sort((p, q) => q.count - p.count);

/** The classes in an order in which those that are confused most are neighbors: each is followed by the one left that
 * shares most mistakes with it, or else by the one with most mistakes. */
function orderByConfusion() {
  const mistakes = report.labels.map((_, i) => confusion[i].reduce((sum, n, j) => i === j ? sum : sum + n + confusion[j][i], 0));
  const left = new Set(report.labels.keys()), order = [];
  let last = -1;
  while (left.size) {
    let best = -1, key = [-1, -1];
    for (const i of left) {
      const shared = last < 0 ? 0 : confusion[i][last] + confusion[last][i];
      if (shared > key[0] || shared === key[0] && mistakes[i] > key[1]) [best, key] = [i, [shared, mistakes[i]]];
    }
    left.delete(best);
    order.push(last = best);
  }
  return order;
}

function showPairs() {
  for (const { a, b, count } of confusedPairs.slice(0, 12)) {
    const part = (from, to) => confusion[from][to] && make("a", {
      href: "#pictures", onclick: () => filterPictures({ label: from, predicted: to }),
    }, `${confusion[from][to]} `, named(labelName(from)), " taken for ", named(labelName(to)));
    const parts = [part(a, b), part(b, a)].filter(Boolean);
    $("pairs").append(make("li", {}, parts[0], ...(parts[1] ? ["; ", parts[1]] : [])));
  }
  if (!confusedPairs.length) $("pairs").replaceWith(make("p", {}, "No classes are confused."));
}

function showMatrix() {
  const order = orderByConfusion(), totals = confusion.map((row) => row.reduce((sum, n) => sum + n, 0));
  const head = (label) => make("th", { scope: "col", title: labelName(label) }, make("span", {}, named(labelName(label))));
  // Neighboring cells without pictures are one cell: 200 classes would make 40,000.
  const cells = (row) => {
    const result = [];
    let empty = 0;
    for (const column of [...order, -1]) {
      if (column >= 0 && !confusion[row][column]) empty += 1;
      else {
        if (empty) result.push(make("td", { colSpan: empty, class: "empty" }));
        if (column >= 0) result.push(cell(row, column));
        empty = 0;
      }
    }
    return result;
  };
  const cell = (row, column) => {
    const count = confusion[row][column];
    return make("td", { class: row === column ? "hit" : "miss", "--share": (count / totals[row]).toFixed(2) },
      make("button", {
        type: "button", title: `${labelName(row)} → ${labelName(column)}: ${plural(count, "picture")}`, "data-row": row, "data-column": column,
      }, String(count)));
  };
  const table = make("table", {},
    make("colgroup", {}, make("col", { class: "names" }), make("col", { span: order.length, class: "counts" })),
    make("thead", {}, make("tr", {}, make("th", {}, ""), ...order.map(head))),
    make("tbody", {}, ...order.map((row) => make("tr", {},
      make("th", { scope: "row", title: labelName(row) }, make("span", {}, named(labelName(row)))), ...cells(row)))));
  table.style.width = `calc(var(--names) + ${order.length} * var(--cell))`;
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) filterPictures({ label: +button.dataset.row, predicted: +button.dataset.column });
  });
  // On paper there is no scrolling: numbers get smaller with the number of classes.
  const room = Math.max(2.5, Math.min(24, 560 / report.labels.length));
  $("matrix").style.setProperty("--print-cell", `${room.toFixed(1)}px`);
  $("matrix").style.setProperty("--print-size", `${Math.min(9, room * 0.55).toFixed(1)}px`);
  $("matrix").classList.toggle("huge", report.labels.length > 80);
  $("matrix").append(table);
}

/** The cards of the classes, the weakest first; pictures are put in when a card is opened. */
function showCards() {
  const cards = report.labels.map((label, index) => {
    const members = judged.filter((picture) => picture.label === index), right = members.filter((picture) => !picture.isWrong);
    const said = confusion.reduce((sum, row) => sum + row[index], 0);
    const precision = said ? right.length / said : 0, recall = members.length ? right.length / members.length : 0;
    const f1 = precision + recall ? 2 * precision * recall / (precision + recall) : 0;
    return { label, index, members, right, precision, recall, f1 };
  }).filter((card) => card.members.length).sort((a, b) => a.f1 - b.f1 || b.members.length - a.members.length);
  const bar = (name, value) => [make("span", {}, name), make("i", { "--share": value.toFixed(3) }), make("span", {}, percent(value))];
  for (const card of cards) {
    const content = make("div");
    const details = make("details", { class: "card", ontoggle: () => {
      if (!details.open || content.children.length) return;
      const byScore = [...card.right].sort((a, b) => b.score - a.score);
      const strip = (title, list) => list.length
        ? [make("h3", {}, title), make("div", { class: "strip" }, ...list.map((picture) => figure(picture, 76)))] : [];
      content.append(
        ...strip("Typical", byScore.slice(0, 8)),
        ...strip("Hardest, yet right", byScore.slice(-8).reverse()),
        ...strip("Wrongest", card.members.filter((picture) => picture.isWrong).sort((a, b) => b.score - a.score).slice(0, 8)),
        make("p", {}, make("button", { type: "button", onclick: () => filterPictures({ label: card.index }) }, `All ${plural(card.members.length, "picture")}`)));
    } }, make("summary", {}, named(card.label), ` · ${plural(card.members.length, "picture")}`,
      make("span", { class: "bars" }, ...bar("recall", card.recall), ...bar("precision", card.precision))), content);
    details.dataset.label = card.label.toLowerCase();
    $("cards").append(details);
    if (cards.length <= 5) details.open = true;
  }
  $("class-search").parentElement.hidden = cards.length < 8;
  $("class-search").addEventListener("input", (event) => {
    const text = event.target.value.toLowerCase();
    for (const card of $("cards").children) card.hidden = !card.dataset.label.includes(text);
  });
}
