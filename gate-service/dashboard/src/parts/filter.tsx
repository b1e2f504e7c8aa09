/** Filters that stand in the address, so that a filtered list can be linked to. */
import type { ComponentChildren } from 'preact';
import type { Page, Service } from '../api/types.ts';
import { useResource } from '../state/resource.ts';
import { addressOf, go, usePlace } from '../state/route.ts';

/** Sets one value of the address's query; an empty one is taken out. */
function setQuery(path: string, query: URLSearchParams, name: string, value: string): void {
  go(addressOf(path, { ...Object.fromEntries(query), [name]: value }), true);
}

/** The form above a list: by service first, then by what the list knows besides. */
export function Filters({ children }: { readonly children: ComponentChildren }) {
  const services = useResource<Page<Service>>('/v1/services');
  return (
    <form
      class="filters"
      aria-label="Filters"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <SelectFilter
        name="service"
        label="Service"
        of={(services.data?.items ?? []).map(({ name }) => name)}
      />
      {children}
    </form>
  );
}

export function SelectFilter({
  label,
  name,
  of,
}: {
  readonly name: string;
  readonly label: string;
  readonly of: readonly string[];
}) {
  const { path, query } = usePlace();
  return (
    <label class="filter">
      {label}
      <select
        value={query.get(name) ?? ''}
        onChange={(event) => {
          setQuery(path, query, name, event.currentTarget.value);
        }}
      >
        <option value="">any</option>
        {of.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}

export function TextFilter({ label, name }: { readonly name: string; readonly label: string }) {
  const { path, query } = usePlace();
  return (
    <label class="filter">
      {label}
      <input
        type="search"
        value={query.get(name) ?? ''}
        onChange={(event) => {
          setQuery(path, query, name, event.currentTarget.value.trim());
        }}
      />
    </label>
  );
}
