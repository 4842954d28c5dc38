/** One line of a chart. Values are nanoseconds; `null` leaves a hole. */
export interface ChartSeries {
  readonly label: string;
  /** Index into the page's palette: a transport keeps its colour from chart to chart. */
  readonly colour: number;
  readonly values: readonly (number | null)[];
  /** A place on the line to be ringed: its index. */
  readonly ringAt: number | null;
}

/** What one drawing shows; its lines share the places of `x`. */
export interface ChartChoice {
  readonly label: string;
  /** As drawn: the logarithm is taken already, so the axis is linear in it. */
  readonly x: readonly number[];
  /** Places on the axis that are named, and their names. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  readonly series: readonly ChartSeries[];
}

/** What the page's script draws into the place with this id. */
export interface Chart {
  readonly place: string;
  readonly choices: readonly ChartChoice[];
}
