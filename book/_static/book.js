/* The switch of the reading mode; boxes that scroll are reached by the keyboard; what a print needs
   beyond the style sheet. Without this script code is shown, and closed details print open. */
(() => {
  const page = document.documentElement;

  const button = document.querySelector(".reading-mode");
  const show = () => button.setAttribute("aria-pressed", String("code" in page.dataset));
  if (button) {
    show();
    button.addEventListener("click", () => {
      if ("code" in page.dataset) delete page.dataset.code;
      else page.dataset.code = "hidden";
      try {
        localStorage.setItem("code", page.dataset.code ?? "shown");
      } catch (refused) {} // then the choice holds for this page
      show();
    });
  }

  const boxes = ".formula-scroll, .pst-scrollable-table-container, .cell_output .output, pre";
  const sizes = new ResizeObserver((changes) => {
    for (const box of new Set(changes.map((change) => change.target.closest(boxes)))) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(".bd-article :is(" + boxes + ")").forEach((box) => {
    sizes.observe(box);
    if (box.firstElementChild) sizes.observe(box.firstElementChild);
  });

  let restore = null; // what the print changed, while it lasts
  addEventListener("beforeprint", () => {
    if (restore) return;
    const theme = page.dataset.theme;
    const closed = [...document.querySelectorAll("details:not([open])")];
    restore = () => {
      page.dataset.theme = theme;
      closed.forEach((details) => (details.open = false));
    };
    page.dataset.theme = "light";
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => {
    restore?.();
    restore = null;
  });
})();
