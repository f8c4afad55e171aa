"use strict";

// The player: a button, a slider, and the parameter of the picture that says how far paths go.
(async function playing() {
  const { specification, steps, milliseconds } = JSON.parse(
    document.getElementById("trajectory").textContent,
  );
  const [player, play, slider, shown] = ["player", "play", "step", "shown"].map((id) =>
    document.getElementById(id),
  );
  const { view } = await drawPicture(document.querySelector("figure.chart"), specification);
  const last = steps.length - 1;
  const show = (place) => {
    slider.value = place;
    shown.value = `step ${steps[place].toLocaleString("en")} of ${steps[last].toLocaleString("en")}`;
    return view.signal("step", steps[place]).runAsync();
  };
  let playing = false;
  const set = (on) => {
    playing = on;
    play.textContent = on ? "Pause" : "Play";
  };
  const run = async (begun, from) => {
    while (playing) {
      const place = Math.min(last, from + Math.floor((performance.now() - begun) / milliseconds));
      await show(place);
      if (place === last) set(false);
      await new Promise(requestAnimationFrame);
    }
  };
  play.addEventListener("click", () => {
    if (playing) return set(false);
    set(true);
    const from = Number(slider.value);
    return run(performance.now(), from === last ? 0 : from);
  });
  slider.addEventListener("input", () => {
    set(false);
    show(Number(slider.value));
  });
  player.hidden = false;
  await show(last);
  document.body.dataset.drawn = 1;
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play.click();
})();
