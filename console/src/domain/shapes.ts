/** The API's answers by the names that the console uses. */

import type { components } from "../api/contract";

type Schemas = components["schemas"];

export type Summary = Schemas["StrategySummary"];
export type Strategy = Schemas["Strategy"];
export type Settings = Schemas["Settings"];
export type SettingsChange = Schemas["SettingsRequest"];
export type Decision = Schemas["Decision"];
export type Condition = Schemas["Condition"];
export type Model = Schemas["Model"];
export type ModelReport = Schemas["ModelReport"];
export type Activation = Schemas["Activation"];
export type Run = Schemas["Run"];
export type RunSummary = Schemas["RunSummary"];
export type Retrain = Schemas["Retrain"];
export type Week = Schemas["Week"];
export type HealthReport = Schemas["HealthReport"];
