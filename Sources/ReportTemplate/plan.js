"use strict";

const planPath = (picture) => report.pictures.root + picture.path;

/** What the plan does with pictures: `{ path, action, to, reason, bytes, sha256 }` by path. */
const planned = new Map((report.plan?.files ?? []).map(({ picture, ...entry }) => {
  const known = picture === undefined ? {} : {
    path: planPath(pictures[picture]), reason: pictures[picture].findings.map((finding) => finding.reason).join("; "),
    bytes: report.pictures.bytes[picture], sha256: report.pictures.sha256[picture],
  };
  const { path, action, to, reason, bytes, sha256 } = { ...known, ...entry };
  return [path, { path, action, ...(to === undefined ? {} : { to }), reason, bytes, sha256 }];
}));

/** Whether a page can make a plan for a picture: its content must be known. */
const canPlan = (picture) => report.plan && report.pictures.sha256[picture.index];

function setPlan(picture, action, to) {
  const path = planPath(picture), before = planned.get(path);
  planned.set(path, {
    path, action, ...(to === undefined ? {} : { to }), reason: before?.reason ?? "decided in the report",
    bytes: before?.bytes ?? report.pictures.bytes[picture.index],
    sha256: before?.sha256 ?? report.pictures.sha256[picture.index],
  });
  for (const button of document.querySelectorAll(`[data-picture="${picture.index}"]`)) button.closest("figure")?.replaceWith(figure(picture));
  for (const acts of document.querySelectorAll(`[data-acts="${picture.index}"]`)) acts.replaceChildren(...planButtons(picture));
  showPlan();
}

function planMark(picture) {
  const entry = planned.get(planPath(picture));
  if (!entry || entry.action === "keep") return "";
  return entry.action === "move" ? `→ ${entry.to}:` : "set aside:";
}

/** Buttons to keep a picture, move it to the class that is suggested or chosen, or set it aside. */
function planButtons(picture, after = () => {}) {
  if (!canPlan(picture)) return [];
  const entry = planned.get(planPath(picture)), action = entry?.action ?? "keep";
  const act = (name, isPressed, ...change) => make("button", {
    type: "button", "aria-pressed": String(isPressed), onclick: () => { setPlan(picture, ...change); after(); },
  }, ...[name].flat());
  const suggested = picture.findings.find((finding) => finding.suggestion !== undefined)?.suggestion ?? (picture.isWrong ? picture.predicted : undefined);
  const chosen = action === "move" ? entry.to : "";
  // The classes are put in when they are asked for: hundreds of lists of hundreds of classes would slow the page down.
  const fill = () => {
    if (select.children.length > 2) return;
    select.replaceChildren(make("option", { value: "" }, "move to …"), ...report.plan.classes
      .filter((entry) => entry.label !== labelName(picture.label)).map((entry) => make("option", { value: entry.label }, entry.label)));
    select.value = chosen;
  };
  const select = make("select", { "aria-label": "Move to class", onfocus: fill, onpointerdown: fill, onchange: (event) => {
    if (event.target.value === "") setPlan(picture, "keep");
    else setPlan(picture, "move", event.target.value);
    after();
  } }, make("option", { value: "" }, "move to …"), ...(chosen ? [make("option", { value: chosen, selected: true }, chosen)] : []));
  return [
    act("Keep", action === "keep", "keep"),
    suggested !== undefined && report.plan.classes.some((entry) => entry.label === labelName(suggested))
      ? act(["Move to ", named(labelName(suggested))], action === "move" && entry.to === labelName(suggested), "move", labelName(suggested)) : null,
    act("Set aside", action === "set_aside", "set_aside"), select,
  ].filter(Boolean);
}

/** The bar that says what the plan does, and offers it. */
function showPlan() {
  if (!report.plan) return;
  const entries = [...planned.values()], moves = entries.filter((entry) => entry.action === "move").length;
  const aside = entries.filter((entry) => entry.action === "set_aside").length;
  $("plan").hidden = moves + aside === 0;
  $("plan").replaceChildren(
    make("span", {}, `Plan: ${moves} to move, ${aside} to set aside`),
    make("button", { type: "button", onclick: downloadPlan }, "Download plan.json"),
    make("code", {}, "cartoonctl audit --apply plan.json"));
}

function planText() {
  const { plan, startedIn, classes, setAside } = report.plan;
  return JSON.stringify({ plan, started_in: startedIn, classes, set_aside: setAside, files: [...planned.values()] }, null, 2) + "\n";
}

function downloadPlan() {
  const address = URL.createObjectURL(new Blob([planText()], { type: "application/json" }));
  make("a", { href: address, download: "plan.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
