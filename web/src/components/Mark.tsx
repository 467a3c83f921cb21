/** The hare: 24 px beside the name, large only at the login. */
export function Mark({ large }: { large?: boolean }) {
  return (
    <svg class={large ? "mark lgm" : "mark"} viewBox="0 0 24 24" aria-hidden="true">
      <path d="M1.3 5.2C5.6 3.6 10.8 5.4 13.9 9.4 9.3 9.7 4.5 8.6 1.3 5.2z" />
      <path d="M5.1 1.6c4.2.2 8.1 2.7 10 6.5.3.7.2 1-.1 1.3C11.9 5.8 8.8 4 5.1 1.6z" />
      <path
        fill-rule="evenodd"
        d="M8.7 15.3c0-3.3 2.6-5.8 6-5.8 2.7 0 4.3 1 5.8 3.1l1.9 2.7c.6.9.3 1.9-.5 2.3-1.5.8-3.2.6-4.6.7-1.5.2-2.3 1-3.2 2.1-.8 1-1.9 1.7-3.4 1.7-.5 0-.6-.5-.3-.8.5-.6.5-1.2 0-1.9-1-1.2-1.7-2.5-1.7-4.1zm8.9-2.3a1 1 0 1 0 0 .01z"
      />
    </svg>
  );
}
