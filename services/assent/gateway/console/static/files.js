// A file as the content of a request. Its bytes are sent unchanged. Uses console.js.
"use strict";

async function takeFile(input) {
  const [file] = input.files;
  if (!file) return;
  input.setCustomValidity(file.size > Number(input.dataset.max) ? input.dataset.tooLarge : "");
  if (!input.reportValidity()) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  one(`#${input.dataset.into}`).value = base64(bytes);
  const name = one(`#${input.dataset.name}`);
  if (!name.value) name.value = file.name;
  const kind = file.name.endsWith(".json") ? "json" : "text";
  one(`input[name="${input.dataset.kind}"][value="${kind}"]`).checked = true;
  written = true;
  await showFile();
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

// A text field would change line ends and bytes that are not UTF-8, so it only shows the file's text.
async function showFile() {
  const taken = one("#taken");
  if (!taken || !one("#file-bytes").value) return;
  const bytes = Uint8Array.from(atob(one("#file-bytes").value), (each) => each.charCodeAt(0));
  const field = one("#payload");
  let binary = "";
  try {
    field.value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    field.value = new TextDecoder("latin1").decode(bytes);
    binary = ` ${taken.dataset.binary}`;
  }
  field.disabled = true;
  const hash = new Uint8Array(await crypto.subtle?.digest("SHA-256", bytes) ?? []);
  const hex = [...hash].map((each) => each.toString(16).padStart(2, "0")).join("") || "…";
  one("#taken-said").textContent =
    taken.dataset.said.replace("{size}", bytes.length.toLocaleString()).replace("{sha256}", hex) + binary;
  taken.hidden = false;
}

function untakeFile() {
  one("#file-bytes").value = "";
  one("#file").value = "";
  one("#taken").hidden = true;
  one("#payload").disabled = false;
  one("#payload").value = "";
  one("#payload").focus();
}

document.addEventListener("change", (event) => {
  if (event.target.matches('input[type="file"]')) takeFile(event.target);
});
document.addEventListener("click", (event) => {
  if (event.target.id === "untake") untakeFile();
});
showFile();
