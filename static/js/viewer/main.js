/**
 * The slide page: opens the slide, then its analyses.
 * @module
 */
import { byId, jsonScript } from "#app/lib/dom.js";
import { gettext } from "#app/lib/i18n.js";
import { OverlayEngine } from "#app/overlay/engine.js";
import { Layers } from "#app/overlay/layers.js";
import { AnalysesPanel } from "#app/ui/analyses-panel.js";
import { Analyses } from "#app/viewer/analyses.js";
import { goToRegion, makeCommands } from "#app/viewer/commands.js";
import { showConnection } from "#app/viewer/connection.js";
import { helpDialog } from "#app/viewer/help.js";
import { listenToKeys } from "#app/viewer/keyboard.js";
import { openViewer } from "#app/viewer/open.js";
import { panels } from "#app/viewer/panels.js";
import { toolbar } from "#app/viewer/toolbar.js";
import { showTray } from "#app/viewer/tray.js";
import { keepInHash } from "#app/viewer/view-hash.js";

/** @typedef {import("#app/lib/types.js").ViewerConfig} ViewerConfig */
/** @typedef {import("#app/viewer/keyboard.js").Commands} Commands */

/**
 * @param {OpenSeadragon.Viewer} viewer
 * @param {Commands} commands
 * @param {number | null} mpp
 */
function dressStage(viewer, commands, mpp) {
  const tools = toolbar(byId("stage"), commands, mpp);
  const update = () => {
    if (viewer.isOpen()) tools.update(viewer.viewport.viewportToImageZoom(viewer.viewport.getZoom(true)));
  };
  viewer.addHandler("update-viewport", update);
  viewer.addHandler("resize", update);
  viewer.addOnceHandler("open", () => {
    keepInHash(viewer);
    update();
  });
  viewer.canvas.setAttribute("aria-label", gettext("Slide image: arrows move, + and - zoom"));
  return tools;
}

/** @param {ViewerConfig} config */
function start(config) {
  const { slide, tile_source: tiles } = config;
  const viewer = tiles ? openViewer(byId("image"), tiles) : null;
  const engine = viewer && tiles ? new OverlayEngine(viewer, { width: tiles.width, mpp: slide.mpp_x ?? 0.5 }) : null;
  const layers = new Layers(engine);
  const analyses = new Analyses(config.api);
  const { toggle } = panels(byId("main"));
  /** @type {ReturnType<typeof toolbar> | undefined} */
  let tools;
  const commands = makeCommands(viewer, config, engine, {
    toggle, help: helpDialog(), overlays: (on) => tools?.showOverlays(on),
  });
  if (viewer) tools = dressStage(viewer, commands, slide.mpp_x);
  showTray(byId("tray"), config.tray, slide.uuid);
  listenToKeys(commands);
  new AnalysesPanel(byId("panel"), {
    analyses, layers, canRun: config.user.can_run, goTo: viewer && ((region) => goToRegion(viewer, region)),
  });
  analyses.on("connection", (connection) => showConnection(byId("connection"), connection));
  analyses.on("slide", ({ slide: changed, state }) => {
    // A slide that became ready (or was archived) while its page was open is another page.
    if (changed === slide.uuid && state !== slide.state) location.reload();
  });
  analyses.start();
  const ready = viewer ? new Promise((resolve) => viewer.addOnceHandler("open", resolve)) : Promise.resolve();
  // For tests of the whole page.
  void ready.then(() => { document.documentElement.dataset["viewer"] = "ready"; });
  Object.assign(window, { portrait: { viewer, ready, engine, layers, analyses } });
}

start(jsonScript("viewer-config"));
