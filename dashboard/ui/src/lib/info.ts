import type { Info } from "../api";
import { useQuery, type Query } from "./api";

let last: Info | undefined;

/** What the server says of itself: what any part of the page has heard last until it is read anew. */
export function useInfo(): Query<Info> {
  const query = useQuery<Info>("info");
  last = query.data ?? last;
  return { ...query, data: last };
}
