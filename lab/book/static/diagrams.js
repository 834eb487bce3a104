// Draw the diagrams, in the colours of the page.
document.querySelectorAll(".mermaid-source pre").forEach((source) => {
  const drawn = document.createElement("pre");
  drawn.className = "mermaid";
  drawn.textContent = source.textContent;
  source.closest(".mermaid-source").replaceWith(drawn);
});
const dark = document.body.dataset.theme === "dark"
  || (document.body.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
mermaid.initialize({startOnLoad: true, theme: dark ? "dark" : "neutral", securityLevel: "strict"});
