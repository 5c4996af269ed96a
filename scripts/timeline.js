/* SPDX-License-Identifier: GPL-2.0-only */
/* The page is whole without this: here are tabs, the lines behind an item, and zoom of the overviews. */
(function () {
	"use strict";
	var root = document.documentElement;
	var vendors = Array.from(document.querySelectorAll(".vendor"));
	var tabs = Array.from(document.querySelectorAll(".tabs button"));
	var panel = document.getElementById("raw");
	var picked = null;

	root.classList.add("js");

	function show(name) {
		vendors.forEach(function (v) { v.classList.toggle("shown", v.id === name); });
		tabs.forEach(function (t) {
			var on = t.dataset.vendor === name;

			t.setAttribute("aria-selected", on);
			t.tabIndex = on ? 0 : -1;
		});
	}

	function pick(row) {
		var lines = row.querySelector("title").textContent.split("\n");

		if (picked)
			picked.classList.remove("picked");
		picked = row;
		row.classList.add("picked");
		panel.querySelector("strong").textContent = lines[0];
		panel.querySelector("pre").textContent = lines.slice(1).join("\n");
		panel.hidden = false;
	}

	/* an overview: x of everything in it is of the times that it carries */
	function zoomable(svg) {
		var low = +svg.dataset.low, high = +svg.dataset.high, left = +svg.dataset.left, width = +svg.dataset.width;
		var from = low, to = high, drag = null;
		var parts = Array.from(svg.querySelectorAll("[data-a]")).map(function (g) {
			return { g: g, a: +g.dataset.a, b: +g.dataset.b, rect: g.querySelector("rect.at"), text: g.querySelector("text") };
		});
		var axis = svg.querySelector(".axis");

		function x(time) { return left + (time - from) / (to - from) * width; }

		function ticks() {
			var step = Math.pow(10, Math.floor(Math.log10((to - from) / 5))), t, text = "";

			step *= (to - from) / step > 20 ? 5 : (to - from) / step > 10 ? 2 : 1;
			while (axis.firstChild)
				axis.removeChild(axis.firstChild);
			for (t = Math.ceil((from - low) / step) * step; t <= to - low; t += step) {
				var line = document.createElementNS(svg.namespaceURI, "text");

				line.setAttribute("x", x(t + low));
				line.setAttribute("y", axis.dataset.y);
				line.setAttribute("text-anchor", "middle");
				line.setAttribute("class", "soft small");
				text = step < 1000 ? (t / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1) : String(Math.round(t / 1000));
				line.textContent = text + " ms";
				axis.appendChild(line);
			}
		}

		function fits(words, room) { return room > words.length * 6.7 + 6 ? words : ""; }

		function draw() {
			parts.forEach(function (p) {
				var a = Math.max(x(p.a), left - 2), b = Math.min(x(p.b), left + width + 2);
				var w = Math.max(b - a, +p.rect.dataset.min || 1);

				p.g.style.display = p.b < from || p.a > to ? "none" : "";
				p.rect.setAttribute("x", a);
				p.rect.setAttribute("width", w);
				if (p.text) {
					p.text.setAttribute("x", a + 4);
					p.text.textContent = fits(p.text.dataset.words, w) || fits(p.text.dataset.brief, w);
				}
			});
			ticks();
		}

		function view(a, b) {
			var span = Math.min(Math.max(b - a, 20), high - low);

			a = Math.min(Math.max(a, low), high - span);
			from = a;
			to = a + span;
			draw();
		}

		function zoom(factor, at) {
			var time = from + (at - left) / width * (to - from);

			view(time - (time - from) * factor, time + (to - time) * factor);
		}

		function place(event) {
			var box = svg.getBoundingClientRect();

			return (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
		}

		svg.addEventListener("wheel", function (event) {
			if (!event.ctrlKey && !event.shiftKey && from === low && to === high && event.deltaY > 0)
				return;
			event.preventDefault();
			if (event.shiftKey)
				view(from + (to - from) * event.deltaY / 800, to + (to - from) * event.deltaY / 800);
			else
				zoom(Math.pow(1.0018, event.deltaY), place(event));
		}, { passive: false });
		svg.addEventListener("pointerdown", function (event) {
			drag = { x: place(event), from: from, to: to, moved: false };
		});
		window.addEventListener("pointermove", function (event) {
			var by;

			if (!drag)
				return;
			by = (drag.x - place(event)) / width * (drag.to - drag.from);
			drag.moved = drag.moved || Math.abs(drag.x - place(event)) > 4;
			if (drag.moved)
				view(drag.from + by, drag.to + by);
		});
		window.addEventListener("pointerup", function () { drag = null; });
		svg.addEventListener("keydown", function (event) {
			var by = { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key];

			if (by)
				view(from + by * (to - from), to + by * (to - from));
			else if (event.key === "+" || event.key === "=")
				zoom(0.7, left + width / 2);
			else if (event.key === "-")
				zoom(1.4, left + width / 2);
			else if (event.key === "0" || event.key === "Home")
				view(low, high);
			else
				return;
			event.preventDefault();
		});
		svg.parentNode.querySelectorAll(".tools button").forEach(function (button) {
			button.addEventListener("click", function () {
				if (button.dataset.zoom)
					zoom(+button.dataset.zoom, left + width / 2);
				else
					view(low, high);
			});
		});
		svg.querySelectorAll(".scene").forEach(function (g) {
			g.addEventListener("click", function () {
				var pad = (+g.dataset.b - +g.dataset.a) * 0.05;

				view(+g.dataset.a - pad, +g.dataset.b + pad);
			});
		});
		draw();
	}

	tabs.forEach(function (t, i) {
		t.addEventListener("click", function () { show(t.dataset.vendor); });
		t.addEventListener("keydown", function (event) {
			var by = { ArrowLeft: -1, ArrowRight: 1 }[event.key], next;

			if (!by)
				return;
			next = tabs[(i + by + tabs.length) % tabs.length];
			show(next.dataset.vendor);
			next.focus();
		});
	});
	document.querySelectorAll("svg .row").forEach(function (row) {
		row.addEventListener("click", function () { pick(row); });
		row.addEventListener("keydown", function (event) {
			if (event.key !== "Enter" && event.key !== " ")
				return;
			event.preventDefault();
			pick(row);
		});
	});
	panel.querySelector("button").addEventListener("click", function () { panel.hidden = true; });
	document.addEventListener("keydown", function (event) {
		if (event.key === "Escape")
			panel.hidden = true;
	});
	document.querySelectorAll("svg.overview").forEach(zoomable);

	/* "#tdx-bind-1" is in a tab that may not be shown */
	function follow() {
		var target = location.hash && document.getElementById(location.hash.slice(1));
		var vendor = target && target.closest(".vendor");

		show(vendor ? vendor.id : vendors[0].id);
		if (target && vendor !== target)
			target.scrollIntoView();
	}
	window.addEventListener("hashchange", follow);
	if (vendors.length)
		follow();
	root.dataset.rows = document.querySelectorAll("svg .row").length;
	root.dataset.scenes = document.querySelectorAll("section.scene").length;
	root.dataset.ready = "yes";
}());
