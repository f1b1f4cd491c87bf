/** The API's JSON, as docs and serializers describe it. */

export interface JobSummary { tool: string; state: JobState }
export type SlideState = "registering" | "needs_info" | "ready" | "rejected" | "archived";
export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Slide {
  uuid: string; case: string; label: string; stain: string; stain_label: string;
  state: SlideState; state_label: string; width: number | null; height: number | null;
  mpp_x: number | null; mpp_y: number | null; mpp_source: string; objective_power: number | null;
  vendor: string; scanner: string; level_count: number | null; size_bytes: number;
  thumbnail_url: string | null; page_url: string; reject_reason: string | null; jobs_summary: JobSummary[];
}

export interface TileSourceConfig {
  width: number; height: number; tile_width: number; tile_height: number;
  levels: { width: number; height: number }[]; url: string;
}

export interface ViewerConfig {
  language: string;
  slide: Slide;
  case: { uuid: string; accession: string; organ_label: string; patient_pseudonym: string; url: string };
  tray: Slide[];
  tile_source: TileSourceConfig | null;
  api: { slide: string; tools: string; jobs: string; socket: string };
  user: { display_name: string; can_run: boolean };
}

export interface Tool {
  tool_version: string; tool_id: string; version: string; title: string; summary: string; explanation: string;
  family: string; status: string; digest: string; accepted: boolean; refusal: string | null; queue: string;
}

export interface Score {
  key: string; label: string; value: number | null; unit: string; n: number | null;
  interval: { low: number; high: number; level: number; method: string } | null;
  category: { code: string; label: string } | null;
  thresholds: number[]; interpretation: string; details: Record<string, number | string>;
}

export interface OverlayClass { code: number; id: string; label: string; colour: string; shape?: string; count?: number }

interface OverlayBase { uuid: string; key: string; label: string; url: string; size_bytes: number; sha256: string }
interface GridFields { width: number; height: number; origin_px: [number, number]; scale_px: number }
export interface ScalarOverlay extends OverlayBase, GridFields {
  kind: "scalar"; unit: string; min: number; max: number; default_threshold: number | null; colormap: string;
}
export interface LabelsOverlay extends OverlayBase, GridFields { kind: "labels"; classes: OverlayClass[] }
export interface CellsOverlay extends OverlayBase { kind: "cells"; classes: OverlayClass[]; n: number; radius_um: number }
export interface RegionsOverlay extends OverlayBase { kind: "regions"; classes: OverlayClass[] }
export type Overlay = ScalarOverlay | LabelsOverlay | CellsOverlay | RegionsOverlay;

export interface Finding {
  key: string; kind: string; label: string; score: number | null;
  region: { x: number; y: number; width: number; height: number } | null; properties: Record<string, unknown>;
}

export interface Job {
  uuid: string; slide: string; tool_version: string; tool_id: string; tool_title: string; version: string;
  digest: string; status: string; state: JobState; state_label: string; stage: string; fraction: number;
  rate_per_s: number | null; queue_position: number | null; attempt: number;
  error: { code: string; message: string } | null;
  queued_at: string; started_at: string | null; finished_at: string | null; device: string;
  can_cancel: boolean; can_retry: boolean;
  scores: Score[]; findings: Finding[]; overlays: Overlay[]; messages: string[];
}

/** How a person wants a layer shown. */
export interface LayerStyle {
  visible: boolean; opacity: number; colormap: string; threshold: number; hidden: Set<number>;
}

/** Level-0 px to CSS px of the stage: x' = a x + c y + e, y' = b x + d y + f. */
export interface Matrix { a: number; b: number; c: number; d: number; e: number; f: number }

export interface Frame {
  context: CanvasRenderingContext2D; matrix: Matrix; width: number; height: number; pixelRatio: number;
  /** CSS px per level-0 px. */
  zoom: number; mpp: number;
  /** What is visible, in level-0 px. */
  bounds: { left: number; top: number; right: number; bottom: number };
}

export interface Layer {
  draw(frame: Frame, style: LayerStyle): void;
  /** Counts per class code, where the layer knows them. */
  counts?: Map<number, number> | undefined;
  /** Share of the objects in view that were drawn, 0..1. */
  shown?: number;
}
