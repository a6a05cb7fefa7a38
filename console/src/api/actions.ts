/** What a person can do, each in one request. */

import type { Retrain, Run, SettingsChange, Strategy } from "../domain/shapes";
import { client, told } from "./client";

const of = (id: string) => ({ path: { id } });

/** A key for what is wanted once: kept until there is an answer, trying again never trains twice. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function train(id: string, key: string): Promise<Retrain> {
  return told(
    client.POST("/train-strategy", {
      params: { header: { "idempotency-key": key } },
      body: { strategy_id: id, strategy_type: "ai_strategy" },
    }),
  );
}

export function checkNow(id: string): Promise<Retrain> {
  return told(
    client.POST("/api/ai-strategies/{id}/auto-retrain", {
      params: of(id),
      body: { force: false },
    }),
  );
}

export function cancel(runId: string): Promise<Run> {
  return told(client.POST("/training-runs/{id}/cancel", { params: of(runId) }));
}

export function activate(
  id: string,
  version: string,
  reason: string | null,
  force = false,
): Promise<Strategy> {
  return told(
    client.POST("/api/ai-strategies/{id}/models/{version}/activate", {
      params: { path: { id, version } },
      body: { force, reason },
    }),
  );
}

export function unpin(id: string): Promise<Strategy> {
  return told(client.POST("/api/ai-strategies/{id}/unpin", { params: of(id) }));
}

export function resume(id: string): Promise<Strategy> {
  return told(client.POST("/api/ai-strategies/{id}/resume", { params: of(id) }));
}

export function change(id: string, body: SettingsChange): Promise<Strategy> {
  return told(client.PATCH("/api/ai-strategies/{id}", { params: of(id), body }));
}
