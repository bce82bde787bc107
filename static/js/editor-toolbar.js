// The toolbar: WAI-ARIA's pattern, one stop for Tab and arrows inside; menus under some of its buttons.
(() => {
  const editor = window.PreemptEditor;

  // surface: see editor.js. Returns { refresh, focus }.
  editor.toolbar = (bar, surface) => {
    const tools = () => [...bar.querySelectorAll(".tool:not([hidden])")];
    const stop = (tool) => tools().forEach((each) => { each.tabIndex = each === tool ? 0 : -1; });
    const menus = [...bar.parentElement.querySelectorAll(".tool-menu")];
    const buttonOf = (menu) => bar.querySelector(`[aria-controls="${menu.id}"]`);
    const close = (menu, { back = false } = {}) => {
      if (menu.hidden) return;
      menu.hidden = true;
      buttonOf(menu).setAttribute("aria-expanded", "false");
      if (back) buttonOf(menu).focus();
    };
    const items = (menu) => [...menu.querySelectorAll("[role=menuitem]:not([aria-disabled=true])")];

    const open = (menu, { last = false } = {}) => {
      menus.forEach((each) => close(each));
      const button = buttonOf(menu);
      for (const item of menu.querySelectorAll("[role=menuitem]")) item.setAttribute("aria-disabled", String(!surface.can(item.dataset)));
      menu.hidden = false;
      button.setAttribute("aria-expanded", "true");
      // Under its button, and never out of the card. By the style's object: the policy lets no style attribute in.
      const [around, under] = [menu.offsetParent.getBoundingClientRect(), button.getBoundingClientRect()];
      const isRtl = getComputedStyle(bar).direction === "rtl";
      const start = isRtl ? around.right - under.right : under.left - around.left;
      menu.style.insetInlineStart = `${Math.max(0, Math.min(start, around.width - menu.offsetWidth))}px`;
      menu.style.insetBlockStart = `${under.bottom - around.top + 4}px`;
      (last ? items(menu).at(-1) : items(menu)[0])?.focus();
    };

    const press = (tool) => {
      stop(tool);
      if (tool.dataset.menu) {
        const menu = document.getElementById(`menu-${tool.dataset.menu}`);
        if (menu.hidden) open(menu); else close(menu, { back: true });
      } else if (tool.getAttribute("aria-disabled") !== "true") surface.run(tool.dataset.run, tool.dataset);
    };

    // A press must not take the caret out of the text.
    bar.addEventListener("mousedown", (event) => event.preventDefault());
    bar.addEventListener("click", (event) => {
      const tool = event.target.closest(".tool");
      if (tool) press(tool);
    });
    bar.addEventListener("focusin", (event) => { if (event.target.matches(".tool")) stop(event.target); });
    bar.addEventListener("keydown", (event) => {
      const all = tools();
      const at = all.indexOf(document.activeElement);
      const turn = getComputedStyle(bar).direction === "rtl" ? -1 : 1;
      const to = {
        ArrowRight: at + turn, ArrowLeft: at - turn, Home: 0, End: all.length - 1,
      }[event.key];
      if (to !== undefined) all[(to + all.length) % all.length].focus();
      else if (event.key === "Escape") surface.focus();
      else if (["ArrowDown", "ArrowUp"].includes(event.key) && all[at]?.dataset.menu) {
        open(document.getElementById(`menu-${all[at].dataset.menu}`), { last: event.key === "ArrowUp" });
      } else return;
      event.preventDefault();
    });

    for (const menu of menus) {
      menu.addEventListener("mousedown", (event) => event.preventDefault());
      menu.addEventListener("click", (event) => {
        const item = event.target.closest("[role=menuitem]");
        if (!item || item.getAttribute("aria-disabled") === "true") return;
        close(menu);
        surface.run(item.dataset.run, item.dataset);
      });
      menu.addEventListener("keydown", (event) => {
        const all = items(menu);
        const at = all.indexOf(document.activeElement);
        if (event.key === "Enter" || event.key === " ") document.activeElement.click();
        else if (event.key === "Escape") close(menu, { back: true });
        else if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
        else if (event.key === "ArrowUp") all[(at - 1 + all.length) % all.length].focus();
        else if (event.key === "Home") all[0].focus();
        else if (event.key === "End") all.at(-1).focus();
        else if (event.key === "Tab") { close(menu, { back: true }); return; }
        else {
          const found = event.key.length === 1 && all.find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
          if (!found) return;
          found.focus();
        }
        event.preventDefault();
        event.stopPropagation();
      });
      menu.addEventListener("focusout", (event) => {
        if (!menu.contains(event.relatedTarget) && event.relatedTarget !== buttonOf(menu)) close(menu);
      });
    }

    stop(tools()[0]);
    return {
      focus: () => (tools().find((tool) => tool.tabIndex === 0) ?? tools()[0]).focus(),
      refresh: () => {
        for (const tool of tools()) {
          if (tool.hasAttribute("aria-pressed")) tool.setAttribute("aria-pressed", String(surface.isOn(tool.dataset.run)));
          if (tool.dataset.run) tool.setAttribute("aria-disabled", String(!surface.can(tool.dataset)));
        }
      },
    };
  };
})();
