/** Why httpd, Jetty or the node as a whole could not do what was asked, in words for a person. */
export class ComponentError extends Error {
  readonly component: 'httpd' | 'jetty' | 'node';
  constructor(component: 'httpd' | 'jetty' | 'node', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ComponentError';
    this.component = component;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
