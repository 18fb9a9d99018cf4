# SPDX-License-Identifier: GPL-2.0
"""The main table as a picture."""

WHO = [("host", "#2f6f4f", "engine in a process"), ("module", "#62b58f", "module, User-Mode Linux"),
       ("llama", "#c9a66b", "llama.cpp, its best settings")]
PANELS = [("prompt", "prompt of 512, tokens/s"), ("decode", "generating, tokens/s")]
LEFT, PANEL, GAP, TOP = 96, 330, 40, 58
BAR, BETWEEN = 9, 12


def text(x, y, words, extra=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" {extra}>{words}</text>'


def legend():
    x, parts = LEFT, []
    for _, colour, words in WHO:
        parts.append(f'<rect x="{x}" y="10" width="10" height="10" fill="{colour}"/>')
        parts.append(text(x + 15, 19, words))
        x += 30 + 7 * len(words)
    return parts


def panel(figures, models, name, title, x):
    """Bars of one figure, from x on; the longest fills the width."""
    rates = [figures.get(model, who, name) or 0 for model in models for who, _, _ in WHO]
    most = max(rates + [1])
    parts = [text(x, TOP - 12, title, 'font-weight="bold"')]
    y = TOP
    for model in models:
        for who, colour, _ in WHO:
            rate = figures.get(model, who, name)
            if rate:
                width = rate / most * (PANEL - 50)
                parts.append(f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 1}" '
                             f'fill="{colour}"/>')
                parts.append(text(x + width + 4, y + BAR - 2, f"{rate:.0f}", 'font-size="9"'))
            y += BAR
        y += BETWEEN
    return parts


def draw(figures):
    models = figures.models("prompt")
    height = TOP + len(models) * (BAR * len(WHO) + BETWEEN)
    width = LEFT + 2 * PANEL + GAP
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
             '<!-- SPDX-License-Identifier: GPL-2.0 -->',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    parts += legend()
    for i, model in enumerate(models):
        y = TOP + i * (BAR * len(WHO) + BETWEEN) + 2 * BAR
        parts.append(text(LEFT - 8, y, model, 'text-anchor="end"'))
    for i, (name, title) in enumerate(PANELS):
        parts += panel(figures, models, name, title, LEFT + i * (PANEL + GAP))
    return "\n".join(parts + ["</svg>", ""])
