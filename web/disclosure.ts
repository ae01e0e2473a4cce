/** Lets `button` show and hide `part`, which stays there for screen readers in both cases. */
export function bindDisclosure(button: HTMLButtonElement, part: HTMLElement): void {
  button.addEventListener('click', () => {
    const hidden = part.classList.toggle('visually-hidden');
    button.setAttribute('aria-pressed', String(!hidden));
  });
}
