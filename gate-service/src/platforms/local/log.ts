/** Where the platform says what it does; a pino logger fits. */
export interface PlatformLog {
  info(message: string): void;
  warn(message: string): void;
}
