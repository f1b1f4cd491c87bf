import { expect, it } from "vitest";
import { apply, invert, visibleBounds } from "#app/overlay/matrix.js";

const turned = { a: 0, b: 0.5, c: -0.5, d: 0, e: 300, f: 20 }; // half size, a quarter turn

it("goes there and back under rotation", () => {
  expect(apply(turned, 100, 40)).toEqual([280, 70]);
  expect(invert(turned, 280, 70)).toEqual([100, 40]);
});

it("bounds what a turned stage shows", () => {
  expect(visibleBounds(turned, 300, 200)).toEqual({ left: -40, top: -0, right: 360, bottom: 600 });
});
