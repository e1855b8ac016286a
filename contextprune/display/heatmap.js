"use strict";
const changed = [...document.querySelectorAll("main .c")];
let at = -1;
const toggle = document.getElementById("toggle");
function flip() {
  const view = changed.find((each) => each.getBoundingClientRect().bottom > 60);
  const sent = document.body.classList.toggle("sent");
  toggle.setAttribute("aria-pressed", String(sent));
  if (view && view.getBoundingClientRect().top < 0) view.scrollIntoView();
}
function go(step) {
  if (!changed.length) return;
  changed[at]?.classList.remove("at");
  at = Math.min(changed.length - 1, Math.max(0, at + step));
  changed[at].classList.add("at");
  changed[at].scrollIntoView();
}
function unfold() {
  const target = document.getElementById(location.hash.slice(1));
  const folded = target?.closest("details");
  if (folded) folded.open = true;
  target?.scrollIntoView({ block: "center" });
}
toggle.addEventListener("click", flip);
addEventListener("hashchange", unfold);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (event.key === "s") flip();
});
