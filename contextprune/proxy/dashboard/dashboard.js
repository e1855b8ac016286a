const live = document.getElementById("live");
const main = document.getElementById("main");
const busy = () => {
  const chosen = getSelection();
  const held = document.activeElement;
  return document.hidden || (chosen && !chosen.isCollapsed) || (main.contains(held) && held !== main && !held.id);
};
const replaced = (next) => {
  const held = document.activeElement?.id;
  const open = new Set([...main.querySelectorAll("details[open]")].map((each) => each.id));
  const side = [...main.querySelectorAll(".wide")].map((each) => each.scrollLeft);
  main.replaceChildren(...next.childNodes);
  for (const each of main.querySelectorAll("details")) each.open = open.has(each.id);
  main.querySelectorAll(".wide").forEach((each, i) => { each.scrollLeft = side[i] ?? 0; });
  main.querySelectorAll(".plot").forEach(follow);
  if (held && held !== "live" && held !== "main") document.getElementById(held)?.focus({ preventScroll: true });
};
const refresh = async () => {
  if (live.getAttribute("aria-pressed") !== "true" || busy()) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("main");
    if (!next || busy()) return;
    document.title = page.title;
    if (next.innerHTML !== main.innerHTML) replaced(next);
  } catch {
    document.title = "(gone) contextprune";
  }
};
if (live) {
  live.hidden = false;
  live.addEventListener("click", () => {
    live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  });
  setInterval(refresh, 5000);
}
