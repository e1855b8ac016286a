"use strict";
const follow = (plot) => {
  const [places, said] = JSON.parse(plot.dataset.said);
  const svg = plot.querySelector("svg");
  const line = svg.querySelector(".at");
  const output = plot.querySelector("output");
  let at = places.length - 1;
  const show = (next) => {
    at = Math.min(places.length - 1, Math.max(0, next));
    line.setAttribute("x1", places[at]);
    line.setAttribute("x2", places[at]);
    output.textContent = said[at];
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (1000 * (event.clientX - box.left)) / box.width;
    let near = 0;
    places.forEach((place, i) => { if (Math.abs(place - x) < Math.abs(places[near] - x)) near = i; });
    show(near);
  });
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: places.length - 1 };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    show(steps[event.key]);
  });
};
for (const plot of document.querySelectorAll(".plot")) follow(plot);
