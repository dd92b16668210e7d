"use strict";
const dialog = document.querySelector("dialog");
const buttons = [...document.querySelectorAll("button[data-cell]")];

function open(name) {
    const content = document.getElementById(name);
    if (!(content instanceof HTMLScriptElement)) return;
    const close = document.createElement("button");
    close.textContent = "Close";
    close.onclick = () => dialog.close();
    dialog.firstElementChild.innerHTML = content.textContent;
    dialog.firstElementChild.append(close);
    for (const place of dialog.querySelectorAll("[data-timeline]")) {
        const timeline = document.getElementById(place.dataset.timeline)?.cloneNode(true);
        timeline?.removeAttribute("id");
        place.replaceWith(timeline ?? "");
    }
    history.replaceState(null, "", "#" + encodeURI(name));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
}

dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
document.addEventListener("click", event => {
    const button = event.target.closest("button[data-cell]");
    if (button) open(button.dataset.cell);
});
document.addEventListener("keydown", event => {
    const cell = event.target.closest?.("td");
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell || !step || dialog.open) return;
    event.preventDefault();
    let { parentElement: row, cellIndex: column } = cell;
    for (;;) {
        if (step[0]) row = step[0] > 0 ? row.nextElementSibling : row.previousElementSibling;
        column += step[1];
        const next = row?.cells[column];
        if (!next || next.tagName !== "TD") return;
        const button = !row.hidden && !next.hidden && next.querySelector("button");
        if (button) return button.focus();
    }
});

const [words, differing] = document.querySelectorAll("search input");
function narrow() {
    const wanted = words.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const fits = text => wanted.every(word => text.includes(word));
    const red = cell => !differing.checked || /fail|known|fixed|broken/.test(cell.className);
    for (const section of document.querySelectorAll("main > section:has([data-row])")) {
        const checks = [...section.querySelectorAll("th[data-check]")].map(head => head.dataset.check.toLowerCase());
        const shown = new Set();
        for (const row of section.querySelectorAll("tbody tr")) {
            const cells = [...row.cells].slice(1);
            const kept = cells.map((cell, at) => fits(row.dataset.row.toLowerCase() + " " + checks[at]) && red(cell));
            row.hidden = !kept.includes(true);
            kept.forEach((is, at) => is && shown.add(at));
        }
        for (const row of section.querySelectorAll("tr"))
            [...row.cells].slice(1).forEach((cell, at) => { cell.hidden = !shown.has(at); });
        section.hidden = shown.size === 0;
    }
}
words.oninput = differing.onchange = narrow;
document.querySelector("search").hidden = false;
if (location.hash) open(decodeURI(location.hash.slice(1)));
