// The console without this still works: every action is a form. This adds the reader's time zone, the
// keyboard, files, and pages that are live.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Times: near ones as a distance, others as a date; the exact one on hover, in the reader's zone and in UTC.

const HOUR = 3600000;
const nearby = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const day = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });

function inWords(at) {
  const away = at - Date.now();
  if (Math.abs(away) < 60000) return one("#live").dataset.now;
  if (Math.abs(away) < HOUR) return nearby.format(Math.trunc(away / 60000), "minute");
  if (Math.abs(away) < 12 * HOUR) return nearby.format(Math.trunc(away / HOUR), "hour");
  return day.format(at);
}

function tellTimes() {
  for (const time of all("time[data-at]")) {
    const at = Number(time.dataset.at);
    const words = inWords(at);
    if (time.textContent !== words) time.textContent = words;
    if (!time.title) time.title = `${exact.format(at)} · ${new Date(at).toISOString()}`;
  }
}

// Forms

function showAsks() {
  const choice = one("select[data-asks]");
  if (!choice) return;
  for (const asks of all("[data-asks-of]")) asks.hidden = asks.dataset.asksOf !== choice.value;
}

async function takeFile(input) {
  const [file] = input.files;
  if (!file) return;
  input.setCustomValidity(file.size > Number(input.dataset.max) ? input.dataset.tooLarge : "");
  if (!input.reportValidity()) return;
  one(`#${input.dataset.into}`).value = await file.text();
  const name = one(`#${input.dataset.name}`);
  if (!name.value) name.value = file.name;
  const kind = file.name.endsWith(".json") ? "json" : "text";
  one(`input[name="${input.dataset.kind}"][value="${kind}"]`).checked = true;
}

// Keyboard

const PLACES = { r: "/received", m: "/requests", p: "/policies" };
let going = 0;

function step(by) {
  const rows = all(".row-title");
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) next.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const { key } = event;
  if (Date.now() - going < 1500 && PLACES[key]) {
    location.assign(PLACES[key]);
  } else if (key === "g") {
    going = Date.now();
    return;
  } else if (key === "j" || key === "k") {
    step(key === "j" ? 1 : -1);
  } else if (key === "n" && one('[data-key="n"]')) {
    one('[data-key="n"]').click();
  } else if (key === "a" && one("#decide")) {
    const field = one("#note") ?? one("#decide button") ?? one("#decide");
    field.focus();
    event.preventDefault();
  } else if (key === "?") {
    one("#keys")?.togglePopover();
  }
  going = 0;
}

// Live: what has changed is loaded anew, by htmx, from the address of the page.

const changed = new Set();
let telling = 0;

function refresh() {
  telling = 0;
  const everything = changed.has("*");
  for (const part of all("[data-live]")) {
    const { live } = part.dataset;
    if (!everything && live !== "*" && !changed.has(live)) continue;
    if ("still" in part.dataset) continue;
    htmx.trigger(part, "assent:changed");
    const words = one("#announce");
    words.textContent = live === "*" ? words.dataset.list : words.dataset.request;
  }
  changed.clear();
}

function hear(what) {
  changed.add(what);
  telling ||= setTimeout(refresh, 120);
}

function listen() {
  const place = one("#live");
  if (!place) return;
  const events = new EventSource(`${place.dataset.events}?since=${place.dataset.since}`);
  events.addEventListener("changed", (event) => hear(JSON.parse(event.data).request));
  events.addEventListener("governance", () => hear("*"));
  events.addEventListener("lost", () => hear("*"));
  events.addEventListener("open", () => { one("#offline").hidden = true; });
  events.addEventListener("error", () => { one("#offline").hidden = false; });
  window.addEventListener("pagehide", () => events.close());
}

document.addEventListener("keydown", onKey);
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-asks]")) showAsks();
  if (event.target.matches('input[type="file"]')) takeFile(event.target);
});
document.addEventListener("htmx:afterSettle", tellTimes);
setInterval(tellTimes, 20000);
for (const choice of all("[data-file]")) choice.hidden = false;
tellTimes();
showAsks();
listen();
