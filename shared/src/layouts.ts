/** Which processes run the services: a choice apart from the stack, which says how they talk. */
export interface LayoutDescription {
  /** One line for people. */
  title: string;
  /** Whether a process holds one instance of every service, instead of one instance of one. */
  together: boolean;
}

const list = {
  separate: { title: 'a process for each instance of a service', together: false },
  shared: { title: 'each process holds one instance of every service', together: true },
} as const satisfies Record<string, LayoutDescription>;

export type LayoutName = keyof typeof list;

/** What a process with all services is called, also in metrics: of CPU and memory none of them has a part that could be told. */
export const processOfServices = 'services';

/** Every layout there is. */
export const layouts: Readonly<Record<LayoutName, LayoutDescription>> = list;

export const layoutNames = Object.keys(list) as readonly LayoutName[];

export const isLayoutName = (text: string): text is LayoutName => Object.hasOwn(list, text);
