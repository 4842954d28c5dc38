/**
 * MQTT §4.7 read as a definition over lists of levels, the slow way: the rule for each first level,
 * then the rest. Written without a look at the implementation, which scans characters.
 */
export function oracleMatches(filterText: string, topicText: string): boolean {
  const filterLevels = filterText.split("/");
  const topicLevels = topicText.split("/");
  const first = filterLevels[0];
  // [MQTT-4.7.2-1]: a leading wildcard matches no topic that begins with $.
  if (topicText.startsWith("$") && (first === "#" || first === "+")) return false;
  return levelsMatch(filterLevels, topicLevels);
}

function levelsMatch(filterLevels: readonly string[], topicLevels: readonly string[]): boolean {
  const [filterLevel, ...filterRest] = filterLevels;
  const [topicLevel, ...topicRest] = topicLevels;
  if (filterLevel === undefined) return topicLevel === undefined;
  // [MQTT-4.7.1-2]: # stands for any number of levels, none included, so the parent matches.
  if (filterLevel === "#") return true;
  if (topicLevel === undefined) return false;
  // [MQTT-4.7.1-3]: + stands for exactly one level, which may be empty.
  const isSame = filterLevel === "+" || filterLevel === topicLevel;
  return isSame && levelsMatch(filterRest, topicRest);
}
