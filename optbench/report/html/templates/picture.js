"use strict";

// A picture, drawn without evaluating code; its colours are the page's, so that they follow its
// theme and a printer's white.
function drawPicture(figure, specification) {
  const [ink, grey, line] = ["var(--ink)", "var(--grey)", "var(--line)"];
  const colours = {
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: grey, tickColor: grey },
    title: { color: ink, subtitleColor: grey },
    style: { "guide-label": { fill: ink } },
    text: { color: ink },
  };
  return vegaEmbed(figure.querySelector(".plot"), specification, {
    actions: false,
    ast: true,
    bind: figure.querySelector(".controls"),
    config: colours,
    defaultStyle: false,
    logLevel: 1, // errors: a layer without data is nothing to warn of
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  });
}
