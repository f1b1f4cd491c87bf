import { expect, it } from "vitest";
import { splat } from "#app/overlay/cells-layer.js";
import { codeOf, rings } from "#app/overlay/regions-layer.js";
import { firstShown } from "#app/overlay/layers.js";

it("a dot is clipped at the edges", () => {
  const pixels = new Uint32Array(9);
  splat(pixels, 3, 3, 0, 0, 3, 7);
  expect([...pixels]).toEqual([7, 7, 0, 7, 7, 0, 0, 0, 0]);
  splat(pixels, 3, 3, 9, 9, 3, 5);
  expect([...pixels]).not.toContain(5);
});

it("regions know their class and their rings", () => {
  const ring = [[0, 0], [1, 0], [1, 1], [0, 0]];
  const classes = [{ code: 1, id: "tumour" }, { code: 2, id: "stroma" }];
  expect(codeOf({ geometry: { type: "Polygon", coordinates: [ring] }, properties: { class: "stroma" } }, classes)).toBe(2);
  expect(rings({ type: "MultiPolygon", coordinates: [[ring], [ring, ring]] })).toHaveLength(3);
});

it("a fresh result shows its objects and its first map", () => {
  const overlays = /** @type {any[]} */ ([
    { uuid: "m", kind: "labels" }, { uuid: "a", kind: "scalar" }, { uuid: "b", kind: "scalar" }, { uuid: "c", kind: "cells" },
  ]);
  expect(firstShown(overlays)).toEqual(new Set(["c", "a"]));
  expect(firstShown(overlays.slice(0, 1))).toEqual(new Set(["m"]));
});
