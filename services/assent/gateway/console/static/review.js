// R23: which lines of the content have been fully on the screen. Kept until the page is closed. Uses
// console.js.
"use strict";

const edges = new Set();
let looking = 0;

function isOnScreen(part, key) {
  const { top, bottom, height } = part.getBoundingClientRect();
  if (!height || document.visibilityState !== "visible") return edges.has(`${key}^`) && edges.has(`${key}$`);
  // Fractions of a pixel are ignored.
  if (top > -2 && top < innerHeight) edges.add(`${key}^`);
  if (bottom > 0 && bottom < innerHeight + 2) edges.add(`${key}$`);
  return edges.has(`${key}^`) && edges.has(`${key}$`);
}

function wasSeen(line) {
  const key = `${one("#unseen").dataset.about}/${line.dataset.k}`;
  if (edges.has(key)) return true;
  const pieces = all(".piece", line);
  const parts = pieces.length ? pieces : [line];
  // All are checked, so that a piece counts even if another one has not been seen yet.
  const seen = parts.map((part, at) => isOnScreen(part, `${key}/${at}`)).every(Boolean);
  if (seen) edges.add(key);
  return seen;
}

function look() {
  looking = 0;
  const card = one("#unseen");
  if (!card) return;
  const { about, beyond, some, none } = card.dataset;
  for (const line of all(".code:not(.must) .line[data-k]")) wasSeen(line);
  const lines = all(".code.must .line[data-k]:not([data-fold])");
  for (const line of lines) wasSeen(line);
  const left = lines.filter((line) => !edges.has(`${about}/${line.dataset.k}`)).length + Number(beyond);
  const words = left
    ? some.replace("{left}", left.toLocaleString()).replace("{all}", (lines.length + Number(beyond)).toLocaleString())
    : none;
  if (card.textContent !== words) card.textContent = words;
  card.classList.toggle("is-left", left > 0);
}

function lookSoon() {
  looking ||= requestAnimationFrame(look);
}

for (const each of ["scroll", "resize", "visibilitychange", "toggle"]) {
  document.addEventListener(each, lookSoon, { capture: true, passive: true });
}
window.addEventListener("resize", lookSoon);
document.addEventListener("htmx:afterSwap", lookSoon);
lookSoon();
