// The console works without this, because every action is a form. This adds the reader's time zone, keyboard
// shortcuts, files, and live pages.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Times: near ones are relative, others are dates. The exact time is shown on hover, in the reader's zone and
// in UTC.

const HOUR = 3600000;
const nearby = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const day = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });

function inWords(at) {
  const away = at - Date.now();
  if (Math.abs(away) < 60000) return away > 5000 ? one("#live").dataset.soon : one("#live").dataset.now;
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
  for (const detail of all("details[data-demanded-by]")) {
    if (detail.dataset.demandedBy.split(" ").includes(choice.value)) detail.open = true;
  }
}

function needNote(button) {
  // Required for one button of the form only: an approval needs no note.
  const note = button?.form?.elements.note;
  note?.setCustomValidity(note.value.trim() ? countLeft(note) : button.dataset.needsNote ?? "");
}

// The remaining length of a text is shown when little is left. Pasted text is never cut off.

function countLeft(field) {
  const { limit, left, over } = field.dataset;
  const more = Number(limit) - [...field.value].length;
  const words = (more < 0 ? over : left).replace("{count}", Math.abs(more).toLocaleString());
  const place = document.getElementById(`${field.id}-count`);
  place.hidden = more > Number(limit) / 8;
  if (place.textContent !== words) place.textContent = words;
  place.classList.toggle("bad", more < 0);
  return more < 0 ? words : "";
}

function countAll() {
  for (const field of all("textarea[data-limit]")) {
    // A message about a missing text stays until the user writes in the field, even if the part of the page
    // around it is replaced.
    const asked = field.validity.customError && !field.value.trim() ? field.validationMessage : "";
    field.setCustomValidity(countLeft(field) || asked);
  }
}

// Keyboard

const KEYS = "assent-keys";
const keysAreOn = () => localStorage.getItem(KEYS) !== "off";

const PLACES = { r: "/received", m: "/requests", p: "/policies" };
let going = 0;

function step(by) {
  const rows = all(".row-title");
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) next.focus();
}

function onKey(event) {
  if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
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

// Live: htmx reloads what has changed from the address of the page.

const SOON = 120;
const APART = 1000;
const changed = new Set();
let telling = 0;
let refreshed = 0;

function refresh() {
  const everything = changed.has("*");
  const parts = all("[data-live]").filter(
    ({ dataset }) =>
      !("still" in dataset) && (everything || dataset.live === "*" || changed.has(dataset.live)),
  );
  if (parts.some((part) => part.classList.contains("htmx-request"))) {
    // htmx would queue it at the part that is about to be replaced, and lose it.
    telling = setTimeout(refresh, SOON);
    return;
  }
  telling = 0;
  refreshed = Date.now();
  for (const part of parts) htmx.trigger(part, "assent:changed");
  changed.clear();
}

function hear(what) {
  changed.add(what);
  telling ||= setTimeout(refresh, Math.max(SOON, refreshed + APART - Date.now()));
}

// What the reader has opened, scrolled to and focused is kept when a part of the page is replaced.

function wordsOf(part) {
  const copy = part.cloneNode(true);
  for (const each of all("time, .unseen", copy)) each.remove();
  return copy.textContent.replace(/\s+/g, " ");
}

let kept = null;

function keep(part) {
  kept = {
    part: part.id,
    words: wordsOf(part),
    open: all("details[open][id]", part).map((each) => each.id),
    scrolled: all("[id]", part)
      .filter((each) => each.scrollTop || each.scrollLeft)
      .map((each) => [each.id, each.scrollTop, each.scrollLeft]),
    held: part.contains(document.activeElement),
  };
}

function scrollBack(places) {
  const scroll = () => {
    for (const [id, top, left] of places) document.getElementById(id)?.scrollTo(left, top);
  };
  scroll();
  // Something that was just opened may have no height before the next frame.
  requestAnimationFrame(scroll);
}

function restore() {
  tellTimes();
  const part = kept && document.getElementById(kept.part);
  if (!part) return;
  for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
  scrollBack(kept.scrolled);
  // htmx restores the focus to an element with an id. If the element no longer exists, the page gets the
  // focus.
  if (kept.held && document.activeElement === document.body) one("#main").focus({ preventScroll: true });
  if (part.dataset.announce && wordsOf(part) !== kept.words) announce(part.dataset.announce);
  kept = null;
}

let speaking = 0;

function announce(words) {
  // Emptied first, because a screen reader would not read the same text again.
  one("#announce").textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => { one("#announce").textContent = words; }, 150);
}

// The stream of events. It reopens itself after an interruption, but not after a refusal. Then we reopen it.

const LONGEST = 30000;
const UNHEARD = 5000;
let events = null;
let refusals = 0;
let again = 0;
let silence = 0;
let written = false;
let leaving = false;

function listen() {
  const place = one("#live");
  if (!place) return;
  hush();
  events = new EventSource(`${place.dataset.events}?since=${place.dataset.since}`);
  events.addEventListener("changed", (event) => hear(JSON.parse(event.data).request));
  events.addEventListener("governance", () => hear("*"));
  events.addEventListener("lost", () => hear("*"));
  events.addEventListener("open", onOpen);
  events.addEventListener("error", onError);
}

function hush() {
  clearTimeout(again);
  events?.close();
}

function onOpen() {
  clearTimeout(silence);
  silence = 0;
  if (refusals || !one("#offline").hidden) hear("*");
  refusals = 0;
  one("#offline").hidden = true;
}

async function onError() {
  // Streams end from time to time and reconnect within seconds. The reader need not be told.
  silence ||= setTimeout(() => { one("#offline").hidden = false; }, UNHEARD);
  if (events.readyState !== EventSource.CLOSED) return;
  if (await isSignedOut()) return signIn();
  refusals += 1;
  clearTimeout(again);
  again = setTimeout(listen, Math.min(LONGEST, 500 * 2 ** refusals) * (0.5 + Math.random() / 2));
}

async function isSignedOut() {
  try {
    return (await fetch("/api/v1/me", { headers: { accept: "application/json" } })).status === 401;
  } catch {
    return false;
  }
}

function signIn() {
  hush();
  clearTimeout(silence);
  const here = one("#request")?.getAttribute("hx-get") ?? location.pathname + location.search;
  const there = `/sign-in?return_to=${encodeURIComponent(here)}`;
  // Text that the user is writing must not be lost.
  if (!written) return location.assign(there);
  one("#offline").hidden = true;
  one("#ended").hidden = false;
  one("#ended a").href = there;
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", (event) => needNote(event.target.closest('button[type="submit"]')));
document.addEventListener("input", (event) => {
  if (event.target.matches("textarea[data-limit]")) event.target.setCustomValidity(countLeft(event.target));
  if (event.target.closest('form[method="post"]')) written = true;
});
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-asks]")) showAsks();
  if (event.target.id === "keys-on") localStorage.setItem(KEYS, event.target.checked ? "on" : "off");
});
document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.shouldSwap) keep(event.detail.target); });
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  // The warning about a loss is announced when it changes, not again with each part that is loaded.
  const { target, fragment } = event.detail;
  if (target.id === "lost" && one("#lost", fragment)?.textContent === target.textContent) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", restore);
document.addEventListener("htmx:afterSwap", countAll);
document.addEventListener("submit", () => { leaving = true; });
window.addEventListener("beforeunload", (event) => { if (written && !leaving) event.preventDefault(); });
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.status !== 401) return;
  event.preventDefault();
  signIn();
});
for (const failed of ["htmx:sendError", "htmx:responseError"]) {
  // A part that could not be loaded is requested again later.
  document.addEventListener(failed, (event) => {
    const { live } = event.detail.elt.dataset;
    if (live && (event.detail.xhr.status === 0 || event.detail.xhr.status >= 429)) setTimeout(hear, UNHEARD, live);
  });
}
window.addEventListener("pagehide", hush);
window.addEventListener("pageshow", (event) => {
  // From the browser's back-forward cache, in the state in which it was left.
  leaving = false;
  if (!event.persisted) return;
  listen();
  hear("*");
});
setInterval(tellTimes, 20000);
for (const each of all("[data-scripted]")) each.hidden = false;
if (one("#keys-on")) one("#keys-on").checked = keysAreOn();
tellTimes();
showAsks();
countAll();
listen();
