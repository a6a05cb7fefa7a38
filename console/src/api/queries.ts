/** What the pages read, each with how often it is read again. */

import { keepPreviousData, QueryCache, QueryClient, useQuery } from "@tanstack/preact-query";
import { isLive } from "../domain/runs";
import { client, told } from "./client";
import { ApiError, Unreachable } from "./errors";
import { lost } from "./reach";
import { turns } from "./turns";

const LIVE_MS = 1000;
const CALM_MS = 15_000;
const RETRIES = 1;

/** A list asks for as many trends as it has rows; they leave room for what people wait for. */
const inTurn = turns(4);

/** What went wrong, for people to be told; an API that is away is looked after. */
export function noticed(error: unknown): Error {
  if (!(error instanceof Error)) throw error;
  if (error instanceof Unreachable) lost(queries);
  return error;
}

export const queries = new QueryClient({
  queryCache: new QueryCache({ onError: noticed }),
  defaultOptions: {
    queries: {
      networkMode: "always",
      staleTime: 2000,
      refetchOnWindowFocus: true,
      retry: (failures, error) => !(error instanceof ApiError) && failures < RETRIES,
      retryDelay: 500,
    },
  },
});

export type Sort = "name" | "-name" | "trained_at" | "-trained_at";
export type ListWish = { search: string; sort: Sort; cursor: string | null };

export const PAGE_SIZE = 25;

export function useStrategies({ search, sort, cursor }: ListWish) {
  return useQuery({
    queryKey: ["strategies", search, sort, cursor],
    queryFn: ({ signal }) => {
      const query = { search, sort, limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) };
      return told(client.GET("/api/ai-strategies", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ live_run }) => live_run !== null) ? LIVE_MS : CALM_MS,
  });
}

export function useStrategy(id: string) {
  return useQuery({
    queryKey: ["strategy", id],
    queryFn: ({ signal }) =>
      told(client.GET("/api/ai-strategies/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.live_run ? LIVE_MS : CALM_MS),
  });
}

export function useRun(id: string | null) {
  return useQuery({
    queryKey: ["run", id],
    queryFn: ({ signal }) =>
      told(client.GET("/training-runs/{id}", { params: { path: { id: id ?? "" } }, signal })),
    enabled: id !== null,
    refetchInterval: ({ state }) => (!state.data || isLive(state.data) ? LIVE_MS : false),
  });
}

export function usePerformance(id: string, weeks = 26) {
  return useQuery({
    queryKey: ["performance", id, weeks],
    queryFn: ({ signal }) =>
      inTurn(() =>
        told(
          client.GET("/api/ai-strategies/{id}/performance", {
            params: { path: { id }, query: { weeks } },
            signal,
          }),
        ),
      ),
    staleTime: 60_000,
  });
}

/** Histories are read as far as people look: the newest hundred. */
const history = (id: string) => ({ path: { id }, query: { limit: 100 } });

export function useModels(id: string) {
  return useQuery({
    queryKey: ["models", id],
    queryFn: ({ signal }) =>
      told(client.GET("/api/ai-strategies/{id}/models", { params: history(id), signal })),
  });
}

export function useActivations(id: string) {
  return useQuery({
    queryKey: ["activations", id],
    queryFn: ({ signal }) =>
      told(client.GET("/api/ai-strategies/{id}/activations", { params: history(id), signal })),
  });
}

export function useDecisions(id: string) {
  return useQuery({
    queryKey: ["decisions", id],
    queryFn: ({ signal }) =>
      told(client.GET("/api/ai-strategies/{id}/decisions", { params: history(id), signal })),
  });
}

export function useRuns(id: string) {
  return useQuery({
    queryKey: ["runs", id],
    queryFn: ({ signal }) =>
      told(client.GET("/api/ai-strategies/{id}/training-runs", { params: history(id), signal })),
  });
}

export function useReport(id: string, version: string | null) {
  return useQuery({
    queryKey: ["report", id, version],
    queryFn: ({ signal }) =>
      told(
        client.GET("/api/ai-strategies/{id}/models/{version}", {
          params: { path: { id, version: version ?? "" }, query: { report: true } },
          signal,
        }),
      ),
    enabled: version !== null,
    staleTime: 60_000,
  });
}

/** After anything that a person did: what is on the screen may have changed. */
export async function refreshed(id: string): Promise<void> {
  await queries.invalidateQueries({
    predicate: ({ queryKey: [kind, of] }) => kind === "strategies" || of === id,
  });
}
