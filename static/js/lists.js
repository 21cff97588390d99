// The name of a list follows its file until somebody writes another.
for (const input of document.querySelectorAll("input[type=file][data-file]")) {
  const name = document.getElementById(input.dataset.file);
  input.addEventListener("change", () => {
    const file = input.files[0];
    if (file && name && (!name.value || name.dataset.followed === "1")) {
      name.value = file.name.replace(/\.[^.]+$/, "").slice(0, 120);
      name.dataset.followed = "1";
    }
  });
  name?.addEventListener("input", () => { name.dataset.followed = "0"; });
}
