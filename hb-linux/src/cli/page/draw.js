  function $(id) { return document.getElementById(id); }
  function put(svg, kind, values, text) {
    var e = document.createElementNS(NS, kind), k;
    for (k in values) e.setAttribute(k, values[k]);
    if (text) e.appendChild(document.createTextNode(text));
    svg.appendChild(e);
  }
