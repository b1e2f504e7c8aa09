/** Takes a line for the agent's own log. */
export type Log = (message: string) => void;
