var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e5) {
    throw err = [e5], e5;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// third_party/preact/src/index.js
function g(n4) {
  n4 && n4.parentNode && n4.remove();
}
function k(n4, t4, r4) {
  var u5, i5, f5, o5 = {}, e5 = arguments.length;
  for (f5 in t4) "key" == f5 ? u5 = t4[f5] : "ref" == f5 && "function" != typeof n4 ? i5 = t4[f5] : o5[f5] = t4[f5];
  return e5 > 2 && (o5.children = e5 > 3 ? d.call(arguments, 2) : r4), m(n4, o5, u5, i5, null);
}
function b(n4, t4, r4) {
  var u5, i5, f5, o5 = _({}, n4.props), e5 = arguments.length;
  for (f5 in t4) "key" == f5 ? u5 = t4[f5] : "ref" == f5 && "function" != typeof n4.type ? i5 = t4[f5] : o5[f5] = t4[f5];
  return e5 > 2 && (o5.children = e5 > 3 ? d.call(arguments, 2) : r4), m(n4.type, o5, void 0 !== u5 ? u5 : n4.key, void 0 !== i5 ? i5 : n4.ref, null);
}
function m(r4, u5, i5, f5, o5) {
  var e5 = { type: r4, props: u5, key: i5, ref: f5, __k: null, __: null, __b: 0, __e: null, __c: null, constructor: h, __v: o5 || ++t, __i: -1, __u: 0 };
  return !o5 && n.vnode && n.vnode(e5), e5;
}
function M() {
  return { current: null };
}
function $(n4) {
  return n4.children;
}
function x(n4, t4) {
  this.props = n4, this.context = t4, this.__g = 0;
}
function S(n4, t4) {
  if (null == t4) return n4.__ && S(n4.__, n4.__i + 1);
  for (var r4; t4 < n4.__k.length; t4++) if ((r4 = n4.__k[t4]) && r4.__e) return r4.__e;
  return "function" != typeof n4.type || n4.props.__P ? null : S(n4);
}
function C(t4) {
  var r4, u5 = t4.__v, i5 = u5.__e, f5 = [], o5 = [], e5 = t4.__P;
  e5 && ((r4 = _({ constructor: h }, u5)).__v = u5.__v + 1, n.vnode && n.vnode(r4), z(e5, r4, u5, t4.__n, e5.namespaceURI, 32 & u5.__u ? [i5] : null, f5, i5 || S(u5), 32 & u5.__u, o5), r4.__v = u5.__v, r4.__.__k[r4.__i] = r4, E(f5, r4, o5), u5.__ = u5.__e = null, r4.__e != i5 && j(r4));
}
function j(n4) {
  if ((n4 = n4.__) && n4.__c && !n4.props.__P) return n4.__e = null, n4.__k.some(function(t4) {
    return t4 && (n4.__e = t4.__e);
  }), j(n4);
}
function L(t4) {
  (8 & t4.__g || (t4.__g |= 8, u.push(t4), f++)) && i == n.debounceRendering || ((i = n.debounceRendering) || queueMicrotask)(H);
}
function H() {
  try {
    for (var n4, t4 = 1; u.length; ) u.length > t4 && u.sort(o), n4 = u.shift(), t4 = u.length, 8 & n4.__g && C(n4);
  } finally {
    (f = u.length) && (i || queueMicrotask)(H);
  }
}
function I(n4, t4, r4, u5, i5, f5, o5, e5, l5, c5, a5) {
  var s5, h4, v5, w5, d5, _5, g5 = u5.__k || y, k5 = t4.length;
  for (l5 = q(r4, t4, g5, l5, k5), s5 = 0; s5 < k5; s5++) null != (v5 = r4.__k[s5]) && (h4 = ~v5.__i && g5[v5.__i] || p, v5.__i = s5, _5 = z(n4, v5, h4, i5, f5, o5, e5, l5, c5, a5), w5 = v5.__e, (h4.ref != v5.ref || 8 & h4.__u) && (h4.ref && G(h4.ref, null, v5, h4), v5.ref && a5.push(v5.ref, v5.__c || w5, v5)), d5 = d5 || w5, 4 & v5.__u ? (l5 = A(v5, l5, n4, !h4.__v), h4.__e && (h4.__e = null)) : "function" == typeof v5.type && void 0 !== _5 ? l5 = _5 : w5 && (l5 = w5.nextSibling), v5.__u &= -21);
  return r4.__e = d5, l5;
}
function q(n4, t4, r4, u5, i5) {
  var f5, o5, e5, l5, c5, a5, s5, p6, y5, v5 = r4.length, d5 = v5, _5 = 0, g5 = 0, k5 = n4.__k = Array(i5);
  for (f5 = 0; f5 < i5; f5++) null != (o5 = t4[f5]) && "boolean" != typeof o5 && "function" != typeof o5 ? ("object" != typeof o5 || o5.constructor === String ? o5 = k5[f5] = m(null, o5) : w(o5) ? o5 = k5[f5] = m($, { children: o5 }) : o5.constructor === h && o5.__b ? o5 = k5[f5] = m(o5.type, o5.props, o5.key, o5.ref, o5.__v) : k5[f5] = o5, l5 = f5 + _5, o5.__ = n4, o5.__b = n4.__b + 1, e5 = null, ~(c5 = o5.__i = P(o5, r4, l5, d5)) && (d5--, (e5 = r4[c5]) && (e5.__u |= 2)), e5 && e5.__v ? (o5.__u |= 16, c5 == l5 - 1 ? _5-- : c5 == l5 + 1 ? _5++ : c5 != l5 && (c5 > l5 ? _5-- : _5++, g5 = 1)) : (~c5 || (i5 > v5 ? _5-- : i5 < v5 && _5++), "function" != typeof o5.type && (o5.__u |= 4))) : k5[f5] = null;
  if (g5) {
    for (a5 = [], s5 = [], f5 = 0; f5 < i5; f5++) if ((o5 = k5[f5]) && 16 & o5.__u) {
      for (_5 = 0, p6 = a5.length; _5 < p6; ) a5[y5 = _5 + p6 >> 1] < o5.__i ? _5 = y5 + 1 : p6 = y5;
      a5[_5] = o5.__i, s5[f5] = _5 + 1;
    }
    for (_5 = a5.length; f5--; ) s5[f5] && (s5[f5] == _5 ? _5-- : k5[f5].__u |= 4);
  }
  if (d5) for (f5 = 0; f5 < v5; f5++) !(e5 = r4[f5]) || 2 & e5.__u || (e5.__e == u5 && (u5 = S(e5)), J(e5, e5));
  return u5;
}
function A(n4, t4, r4, u5) {
  var i5, f5, o5, e5;
  if ("function" == typeof n4.type) {
    if (n4.props.__P) return t4;
    if (i5 = n4.__k) for (f5 = 0; f5 < i5.length; f5++) i5[f5] && (i5[f5].__ = n4, t4 = A(i5[f5], t4, r4, false));
    return t4;
  }
  for (t4 && !t4.parentNode && (t4 = S(n4)) && !t4.parentNode && (t4 = null), o5 = n4.__e, e5 = t4; e5 && 8 == e5.nodeType; ) e5 = e5.nextSibling;
  for (o5 != e5 && (!u5 && r4.moveBefore && o5.parentNode ? r4.moveBefore(o5, t4) : r4.insertBefore(o5, t4 || null)), t4 = o5; (t4 = t4 && t4.nextSibling) && 8 == t4.nodeType && !t4.data.startsWith("$s"); ) ;
  return t4;
}
function O(n4, t4) {
  return t4 = t4 || [], null != n4 && "boolean" != typeof n4 && (w(n4) ? n4.some(function(n5) {
    O(n5, t4);
  }) : t4.push(n4)), t4;
}
function P(n4, t4, r4, u5) {
  var i5, f5 = n4.key, o5 = n4.type, e5 = t4[r4], l5 = e5 && !(2 & e5.__u);
  if (null === e5 && null == f5 || l5 && f5 == e5.key && o5 == e5.type) return r4;
  if (u5 > (l5 ? 1 : 0)) {
    for (i5 = r4 - 1; i5 >= 0; i5--) if ((e5 = t4[i5]) && !(2 & e5.__u) && f5 == e5.key && o5 == e5.type) return i5;
    for (i5 = r4 + 1; i5 < t4.length; i5++) if ((e5 = t4[i5]) && !(2 & e5.__u) && f5 == e5.key && o5 == e5.type) return i5;
  }
  return -1;
}
function T(n4, t4, r4) {
  null == r4 && (r4 = ""), "-" == t4[0] ? n4.setProperty(t4, r4) : n4[t4] = r4;
}
function N(n4, t4, r4, u5, i5) {
  var f5, o5;
  if ("style" == t4) if ("string" == typeof r4) n4.style.cssText = r4;
  else {
    if ("string" == typeof u5 && (n4.style.cssText = u5 = ""), u5) for (t4 in u5) r4 && t4 in r4 || T(n4.style, t4);
    if (r4) for (t4 in r4) u5 && r4[t4] == u5[t4] || T(n4.style, t4, r4[t4]);
  }
  else if ("o" == t4[0] && "n" == t4[1]) "function" != typeof r4 && (r4 = null), "function" != typeof u5 && (u5 = null), (n4.__e || (n4.__e = {}))[t4] = r4, r4 && u5 || (o5 = a[t4] || (a[t4] = V(t4)), (n4.__a || (n4.__a = {}))[t4] = c, f5 = t4 != (t4 = t4.replace(l, "$1")), (t4 = t4.slice(2))[0] < "a" && (t4 = t4.toLowerCase()), r4 ? n4.addEventListener(t4, o5, f5) : n4.removeEventListener(t4, o5, f5));
  else {
    if ("http://www.w3.org/2000/svg" == i5) t4 = t4.replace(/xlink(H|:h)/, "h").replace(/sName$/, "s");
    else if ("width" != t4 && "height" != t4 && "href" != t4 && "list" != t4 && "form" != t4 && "tabIndex" != t4 && "download" != t4 && "rowSpan" != t4 && "colSpan" != t4 && "role" != t4 && "popover" != t4 && t4 in n4) try {
      return void (n4[t4] = null == r4 ? "" : r4);
    } catch (n5) {
    }
    if ("function" == typeof r4) return;
    null == r4 || false === r4 && "-" != t4[4] ? n4.removeAttribute(t4) : n4.setAttribute(t4, "popover" == t4 && 1 == r4 ? "" : r4);
  }
}
function V(t4) {
  return function(r4) {
    var u5 = this.__e;
    if (u5) {
      if (u5 = u5[t4], null == r4[e]) r4[e] = c++;
      else if (r4[e] < this.__a[t4]) return;
      return u5(n.event ? n.event(r4) : r4);
    }
  };
}
function z(t4, r4, u5, i5, f5, o5, e5, l5, c5, a5) {
  var s5, p6, v5, d5, k5, b5, m5, M3, C4, j4, L2, H2, q4, A4, O4, P3, T4, N2, V2 = r4.type;
  if (r4.constructor !== h) return null;
  128 & u5.__u && (c5 = 32 & u5.__u, s5 = u5.__c.__z) && (r4.__u |= c5, p6 = o5 = [], 8 == s5.nodeType ? l5 = B(s5, o5) : o5.push(s5), l5 = o5[0] || l5), (s5 = n.__b) && s5(r4);
  n: if ("function" == typeof V2) {
    v5 = e5.length;
    try {
      if (M3 = r4.props, C4 = (s5 = V2.prototype) && s5.render, j4 = (s5 = V2.contextType) && i5[s5.__c], L2 = s5 ? j4 ? j4.props.value : s5.__ : i5, (d5 = u5.__c) ? (r4.__c = d5, 2 & d5.__g && (d5.__g |= 1)) : (C4 ? r4.__c = d5 = new V2(M3, L2) : (r4.__c = d5 = new x(M3, L2), d5.constructor = V2, d5.render = K), j4 && j4.sub(d5), d5.state || (d5.state = {}), d5.__n = i5, d5.__g |= 8, d5.__h = [], d5.__k = []), C4 && (d5.__s || (d5.__s = d5.state), V2.getDerivedStateFromProps && (d5.__s == d5.state && (d5.__s = _({}, d5.__s)), _(d5.__s, V2.getDerivedStateFromProps(M3, d5.__s)))), k5 = d5.props, b5 = d5.state, d5.__v = r4, u5.__c) {
        if (M3 !== k5 && C4 && !V2.getDerivedStateFromProps && d5.componentWillReceiveProps && d5.componentWillReceiveProps(M3, L2), r4.__v == u5.__v && !(8 & d5.__g) || !(4 & d5.__g) && d5.shouldComponentUpdate && false === d5.shouldComponentUpdate(M3, d5.__s, L2)) {
          r4.__v != u5.__v && (d5.props = M3, d5.state = d5.__s, d5.__g &= -9), r4.__e = u5.__e, r4.__k = u5.__k, r4.__k.some(function(n4) {
            n4 && (n4.__ = r4);
          }), y.push.apply(d5.__h, d5.__k), d5.__k = [], d5.__h.length && e5.push(d5), l5 = S(u5);
          break n;
        }
        d5.componentWillUpdate && d5.componentWillUpdate(M3, d5.__s, L2), C4 && d5.componentDidUpdate && d5.__h.push(function() {
          d5.componentDidUpdate(k5, b5, m5);
        });
      } else C4 && !V2.getDerivedStateFromProps && d5.componentWillMount && d5.componentWillMount(), C4 && d5.componentDidMount && d5.__h.push(d5.componentDidMount);
      d5.context = L2, d5.props = M3, d5.__P = t4, d5.__g &= -5, H2 = n.__r, q4 = C4 ? 25 : 0;
      do {
        d5.__g &= -9, H2 && H2(r4), s5 = d5.render(d5.props, d5.state = d5.__s, d5.context);
      } while (8 & d5.__g && ++q4 < 25);
      C4 && (y.push.apply(d5.__h, d5.__k), d5.__k = []), d5.state = d5.__s, d5.getChildContext && (i5 = _({}, i5, d5.getChildContext())), C4 && u5.__c && d5.getSnapshotBeforeUpdate && (m5 = d5.getSnapshotBeforeUpdate(k5, b5)), A4 = s5 && s5.type === $ && null == s5.key ? s5.props.children : s5, M3.__P && (s5 = l5, f5 = (t4 = M3.__P).namespaceURI, c5 = o5 = null, u5.props && u5.props.__P != t4 && (u5.__k.some(function(n4) {
        n4 && J(n4, n4);
      }), u5.__k = null), l5 = u5.__k ? S(u5, 0) : null), l5 = I(t4, w(A4) ? A4 : [A4], r4, u5, i5, f5, o5, e5, l5, c5, a5), M3.__P && (r4.__e = null, l5 = s5), r4.__u &= -161, p6 && p6.some(g), d5.__h.length && e5.push(d5), 1 & d5.__g && (d5.__g &= -4);
    } catch (t5) {
      if (e5.length = v5, r4.__v = null, c5 || o5) if (t5 && t5.then) {
        if (r4.__u |= 128 | c5, o5) {
          for (~(T4 = o5.indexOf(l5 || void 0)) || (T4 = o5.length); (N2 = o5[T4 - 1]) && 8 == N2.nodeType; ) T4--;
          for (; T4 < o5.length; T4++) if (N2 = o5[T4]) if (o5[T4] = null, O4) {
            if (N2 == P3) break;
          } else {
            if (8 != N2.nodeType) break;
            N2.data.startsWith("$s") && (P3 = B(O4 = N2));
          }
        }
        if (!O4) {
          for (; l5 && 8 == l5.nodeType && l5.nextSibling; ) l5 = l5.nextSibling;
          O4 = l5;
        }
        (s5 = B(O4 = r4.__c.__z || (r4.__c.__z = O4))) ? (r4.__e = O4, l5 = s5) : r4.__e = l5, l5 = l5 && l5.nextSibling;
      } else o5 && o5.some(g);
      else r4.__e = u5.__e;
      r4.__k || (r4.__k = u5.__k || []), t5 && t5.then || D(r4), n.__e(t5, r4, u5);
    }
  } else l5 = r4.__e = F(u5.__e, r4, u5, i5, f5, o5, e5, c5, a5, t4);
  return (s5 = n.diffed) && s5(r4), l5;
}
function B(n4, t4) {
  if (n4 && 8 == n4.nodeType && n4.data.startsWith("$s")) for (var r4 = 1; n4 = n4.nextSibling; ) {
    if (8 == n4.nodeType) {
      if (n4.data.startsWith("$s")) r4++;
      else if (n4.data.startsWith("/$s") && !--r4) return n4;
    }
    t4 && t4.push(n4);
  }
}
function D(n4) {
  n4 && (n4.__c && (n4.__c.__g |= 4), n4.__k && n4.__k.some(D));
}
function E(t4, r4, u5) {
  for (var i5 = 0; i5 < u5.length; ) G(u5[i5++], u5[i5++], u5[i5++]);
  n.__c && n.__c(r4, t4), t4.some(function(r5) {
    try {
      t4 = r5.__h, r5.__h = [], t4.some(function(n4) {
        n4.call(r5);
      });
    } catch (t5) {
      n.__e(t5, r5.__v);
    }
  });
}
function F(t4, r4, u5, i5, f5, o5, e5, l5, c5, a5) {
  var s5, h4, y5, _5, k5, b5, m5, M3, $2 = u5.props || p, x5 = r4.props, C4 = r4.type;
  if ("svg" == C4 ? f5 = "http://www.w3.org/2000/svg" : "math" == C4 ? f5 = "http://www.w3.org/1998/Math/MathML" : f5 || (f5 = "http://www.w3.org/1999/xhtml"), o5) {
    for (s5 = 0; s5 < o5.length; s5++) if ((k5 = o5[s5]) && (C4 ? k5.localName == C4 : 3 == k5.nodeType)) {
      t4 = k5, o5[s5] = null;
      break;
    }
  }
  if (!t4) {
    if (M3 = a5.ownerDocument || document, !C4) return M3.createTextNode(x5);
    t4 = M3.createElementNS(f5, C4, x5.is ? x5 : a5), l5 && (n.__m && n.__m(r4, o5), l5 = false), o5 = null;
  }
  if (C4) {
    if (a5 = "template" == C4 && t4.content || t4, o5 = "textarea" == C4 && null != x5.defaultValue ? null : o5 && d.call(a5.childNodes), !l5 && o5) for ($2 = {}, s5 = 0; s5 < t4.attributes.length; s5++) $2[(k5 = t4.attributes[s5]).name] = k5.value;
    for (s5 in $2) k5 = $2[s5], "dangerouslySetInnerHTML" == s5 ? y5 = k5 : "children" == s5 || s5 in x5 || "value" == s5 && "defaultValue" in x5 || "checked" == s5 && "defaultChecked" in x5 || N(t4, s5, null, k5, f5);
    for (s5 in x5) k5 = x5[s5], "children" == s5 ? _5 = k5 : "dangerouslySetInnerHTML" == s5 ? h4 = k5 : "value" == s5 ? b5 = k5 : "checked" == s5 ? m5 = k5 : l5 && "function" != typeof k5 || $2[s5] === k5 || N(t4, s5, k5, $2[s5], f5);
    h4 ? (l5 || y5 && (h4.__html == y5.__html || h4.__html == t4.innerHTML) || (t4.innerHTML = h4.__html), r4.__k = []) : (y5 && (t4.textContent = ""), ("foreignObject" == C4 || "http://www.w3.org/1998/Math/MathML" == f5 && v.test(C4)) && (f5 = "http://www.w3.org/1999/xhtml"), I(a5, w(_5) ? _5 : [_5], r4, u5, i5, f5, o5, e5, o5 ? o5[0] : u5.__k && S(u5, 0), l5, c5), o5 && o5.some(g)), l5 && "textarea" != C4 || (s5 = "value", "progress" == C4 && null == b5 ? t4.removeAttribute(s5) : null == b5 || b5 === t4[s5] && ("progress" != C4 || b5) || N(t4, s5, b5, $2[s5], f5), s5 = "checked", null != m5 && m5 != t4[s5] && N(t4, s5, m5, $2[s5], f5));
  } else $2 === x5 || l5 && t4.data == x5 || (t4.data = x5);
  return t4;
}
function G(t4, r4, u5, i5) {
  try {
    "function" == typeof t4 ? r4 ? r4.__x = t4(r4) || 1 : i5 && (i5 = i5.__c || i5.__e) && (r4 = i5.__x) && (i5.__x = null, "function" == typeof r4 ? r4() : t4(null)) : t4.current = r4;
  } catch (t5) {
    n.__e(t5, u5);
  }
}
function J(t4, r4, u5) {
  var i5, f5, o5, e5;
  if (n.unmount && n.unmount(t4), !(i5 = t4.ref) || i5.current && i5.current != t4.__e || G(i5, null, r4, t4), i5 = t4.__c) {
    if (i5.componentWillUnmount) try {
      i5.componentWillUnmount();
    } catch (t5) {
      n.__e(t5, r4);
    }
    i5.__P = i5.__n = null;
  }
  if (i5 = t4.__k) for (e5 = 0; e5 < i5.length; e5++) i5[e5] && J(i5[e5], r4, "function" != typeof t4.type || u5 && !t4.props.__P);
  !u5 && (i5 = t4.__c) && (i5 = i5.__z) && (f5 = B(i5, o5 = [])) && (i5 == t4.__e && o5.some(g), g(f5), g(i5)), u5 || g(t4.__e), t4.__e = t4.__c = t4.__ = null;
}
function K(n4, t4, r4) {
  return this.constructor(n4, r4);
}
function Q(t4, r4) {
  var u5, i5, f5, o5;
  n.__ && n.__(t4, r4), 9 == r4.nodeType && (r4 = r4.documentElement), i5 = (u5 = t4 && 32 & t4.__u) ? null : r4.__k, r4.__k = m($, { children: [t4] }), f5 = [], o5 = [], z(r4, r4.__k, i5 || p, p, r4.namespaceURI, i5 ? null : r4.firstChild ? d.call(r4.childNodes) : null, f5, i5 ? i5.__e : r4.firstChild, u5, o5), E(f5, r4.__k, o5), r4.__k.props.children = null;
}
function R(n4, t4) {
  n4 && "object" == typeof n4 && (n4.__u |= 32), Q(n4, t4);
}
function U(n4) {
  function t4(n5) {
    var r4, u5;
    return this.getChildContext || (r4 = /* @__PURE__ */ new Set(), (u5 = {})[t4.__c] = this, this.getChildContext = function() {
      return u5;
    }, this.shouldComponentUpdate = function(n6) {
      this.props.value != n6.value && r4.forEach(function(n7) {
        n7.__g |= 4, L(n7);
      });
    }, this.sub = function(n6) {
      r4.add(n6);
      var t5 = n6.componentWillUnmount;
      n6.componentWillUnmount = function() {
        r4.delete(n6), t5 && t5.call(n6);
      };
    }), n5.children;
  }
  return t4.__c = "__cC" + s++, t4.__ = n4, t4.Provider = (t4.Consumer = function(n5, t5) {
    return n5.children(t5);
  }).contextType = t4, t4;
}
function W(n4) {
  return n4.children;
}
function X(n4, t4) {
  return m(W, { __P: t4, children: n4 });
}
var n, t, r, u, i, f, o, e, l, c, a, s, h, p, y, v, w, d, _;
var init_src = __esm({
  "third_party/preact/src/index.js"() {
    "use strict";
    h = /* @__PURE__ */ Symbol.for("pv");
    p = {};
    y = [];
    v = /^m(i|n|o|s|text|space)$/;
    w = Array.isArray;
    d = y.slice;
    _ = Object.assign;
    n = { __e: function(n4, t4, r4, u5) {
      for (var i5, o5, e5; t4 = t4.__; ) if ((i5 = t4.__c) && !(1 & i5.__g)) {
        i5.__g |= 4;
        try {
          if ((e5 = (o5 = i5.constructor) && o5.getDerivedStateFromError) && i5.setState(o5.getDerivedStateFromError(n4)), i5.componentDidCatch && (i5.componentDidCatch(n4, u5 || {}), e5 = 1), e5 && 8 & i5.__g) return void (i5.__g |= 2);
        } catch (t5) {
          n4 = t5;
        }
      }
      throw f = 0, n4;
    } }, t = 0, r = function(n4) {
      return null != n4 && n4.constructor === h;
    }, x.prototype.setState = function(n4, t4) {
      var r4 = this.__s;
      r4 && r4 != this.state || (r4 = this.__s = _({}, this.state)), "function" == typeof n4 && (n4 = n4(_({}, r4), this.props)), n4 && (_(r4, n4), this.__v && (t4 && this.__k.push(t4), L(this)));
    }, x.prototype.forceUpdate = function(n4) {
      this.__v && (this.__g |= 4, n4 && this.__h.push(n4), L(this));
    }, x.prototype.render = $, u = [], f = 0, o = function(n4, t4) {
      return n4.__v.__b - t4.__v.__b;
    }, e = /* @__PURE__ */ Symbol(), l = /(PointerCapture)$|Capture$/i, c = 0, a = {}, s = 0;
  }
});

// third_party/preact/hooks/src/index.js
function y2(n4, t4) {
  a2.__h && a2.__h(r2, n4, f2 || t4), f2 = 0;
  var u5 = r2.__H || (r2.__H = { __: [], __h: [] });
  return n4 >= u5.__.length && u5.__.push({}), u5.__[n4];
}
function d2(n4) {
  return f2 = 1, _2(G2, n4);
}
function _2(n4, u5, i5) {
  var f5 = y2(t2++, 2);
  if (f5.t = n4, !f5.__c && (f5.__ = [i5 ? i5(u5) : G2(void 0, u5), function(n5) {
    var t4 = (f5.__N || f5.__)[0], r4 = f5.t(t4, n5);
    o2(t4, r4) || (f5.__N = [r4, f5.__[1]], f5.__c.setState({}));
  }], f5.__c = r2, !r2.__f)) {
    r2.__f = true;
    var c5 = r2.shouldComponentUpdate;
    r2.shouldComponentUpdate = function(n5, t4, r4) {
      var u6 = this.__H;
      if (!u6) return true;
      var i6 = false, f6 = this.props != n5;
      if (u6.__.some(function(n6) {
        n6.__N && (i6 = true, o2(n6.__[0], n6.__N[0]) || (f6 = true));
      }), c5) {
        var e5 = c5.call(this, n5, t4, r4);
        return i6 ? e5 || f6 : e5;
      }
      return !i6 || f6;
    };
  }
  return f5.__;
}
function A2(n4, u5) {
  var i5 = y2(t2++, 3);
  !a2.__s && E2(i5.__H, u5) && (i5.__P = true, i5.__ = n4, i5.u = u5, r2.__H.__h.push(i5));
}
function F2(n4, u5) {
  var i5 = y2(t2++, 4);
  !a2.__s && E2(i5.__H, u5) && (i5.__P = false, i5.__ = n4, i5.u = u5, r2.__h.push(i5));
}
function T2(n4) {
  return f2 = 5, w2(function() {
    return { current: n4 };
  }, []);
}
function q2(n4, t4, r4) {
  f2 = 6, F2(function() {
    if ("function" == typeof n4) {
      var r5 = n4(t4());
      return function() {
        n4(null), "function" == typeof r5 && r5();
      };
    }
    if (n4) return n4.current = t4(), function() {
      return n4.current = null;
    };
  }, null == r4 ? r4 : r4.concat(n4));
}
function w2(n4, r4) {
  var u5 = y2(t2++, 7);
  return E2(u5.__H, r4) && (u5.__ = n4(), u5.__H = r4), u5.__;
}
function b2(n4, t4) {
  return f2 = 8, w2(function() {
    return n4;
  }, t4);
}
function j2(n4) {
  var u5 = r2.context[n4.__c], i5 = y2(t2++, 9);
  return i5.c = n4, u5 ? (null == i5.__ && (i5.__ = true, u5.sub(r2)), u5.props.value) : n4.__;
}
function x2(n4, t4) {
  a2.useDebugValue && a2.useDebugValue(t4 ? t4(n4) : n4);
}
function O2(n4) {
  var u5 = y2(t2++, 10), i5 = d2();
  return u5.__ = n4, r2.componentDidCatch || (r2.componentDidCatch = function(n5, t4) {
    u5.__ && u5.__(n5, t4), i5[1](n5);
  }), [i5[0], function() {
    return i5[1]();
  }];
}
function P2() {
  var n4 = y2(t2++, 11);
  if (!n4.__) {
    for (var u5 = r2.__v; !u5.__m && u5.__; ) u5 = u5.__;
    var i5 = u5.__m || (u5.__m = [0, 0]);
    n4.__ = "P" + i5[0] + "-" + i5[1]++;
  }
  return n4.__;
}
function g2() {
  var n4;
  do {
    for (; n4 = e2.shift(); ) try {
      C2(n4);
    } catch (t5) {
      a2.__e(t5, { __: (n4 = n4.__P) && n4.__v });
    }
    for (; n4 = c2.shift(); ) {
      var t4 = n4.__H;
      if (n4.__P && t4) try {
        t4.__h.some(C2), t4.__h.some(D2), t4.__h = [];
      } catch (r4) {
        t4.__h = [], a2.__e(r4, n4.__v);
      }
    }
  } while (e2.length);
}
function z2(n4) {
  var t4, r4 = function() {
    clearTimeout(u5), k2 && cancelAnimationFrame(t4), setTimeout(n4);
  }, u5 = setTimeout(r4, 35);
  k2 && (t4 = requestAnimationFrame(r4));
}
function B2(n4) {
  1 != n4 && i2 == a2.requestAnimationFrame || ((i2 = a2.requestAnimationFrame) || z2)(g2);
}
function C2(n4) {
  var t4 = r2, u5 = n4.__c;
  "function" == typeof u5 && (n4.__c = void 0, u5()), r2 = t4;
}
function D2(n4) {
  var t4 = r2;
  n4.__c = n4.__(), r2 = t4;
}
function E2(n4, t4) {
  return !n4 || n4.length != t4.length || t4.some(function(t5, r4) {
    return !o2(t5, n4[r4]);
  });
}
function G2(n4, t4) {
  return "function" == typeof t4 ? t4(n4) : t4;
}
var t2, r2, u2, i2, o2, f2, c2, e2, a2, v2, l2, m2, h2, s2, p2, k2;
var init_src2 = __esm({
  "third_party/preact/hooks/src/index.js"() {
    "use strict";
    init_src();
    o2 = Object.is;
    f2 = 0;
    c2 = [];
    e2 = [];
    a2 = n;
    v2 = a2.__b;
    l2 = a2.__r;
    m2 = a2.diffed;
    h2 = a2.__c;
    s2 = a2.unmount;
    p2 = a2.__;
    a2.__b = function(n4) {
      r2 = null, v2 && v2(n4);
    }, a2.__ = function(n4, t4) {
      n4 && t4.__k && t4.__k.__m && (n4.__m = t4.__k.__m), p2 && p2(n4, t4);
    }, a2.__r = function(n4) {
      l2 && l2(n4), t2 = 0;
      var i5 = (r2 = n4.__c).__H;
      i5 && (u2 == r2 ? r2.__h = [] : (i5.__h.some(C2), i5.__h.some(D2), t2 = 0), i5.__h = [], i5.__.some(function(n5) {
        n5.__N && (n5.__ = n5.__N), n5.u = n5.__N = void 0;
      })), u2 = r2;
    }, a2.diffed = function(n4) {
      m2 && m2(n4);
      var t4 = n4.__c;
      t4 && t4.__H && (t4.__H.__h.length && B2(c2.push(t4)), t4.__H.__.some(function(n5) {
        n5.u && (n5.__H = n5.u);
      })), u2 = r2 = null;
    }, a2.__c = function(n4, t4) {
      t4.some(function(n5) {
        try {
          n5.__h.some(C2), n5.__h = n5.__h.filter(function(n6) {
            return !n6.__ || D2(n6);
          });
        } catch (t5) {
          n5.__h = [function() {
            throw t5;
          }];
        }
      }), h2 && h2(n4, t4);
    }, a2.unmount = function(n4) {
      s2 && s2(n4);
      var t4, r4, u5 = n4.__c;
      u5 && u5.__H && (u5.__H.__.some(function(u6) {
        try {
          if (u6.__P && u6.__c) {
            if (void 0 === r4) {
              for (r4 = n4.__; r4 && (!r4.__c || !r4.__c.__P); ) r4 = r4.__;
              r4 = r4 && r4.__c;
            }
            u6.__P = r4, B2(e2.push(u6));
          } else C2(u6);
        } catch (n5) {
          t4 = n5;
        }
      }), u5.__H = void 0, t4 && a2.__e(t4, u5.__v));
    };
    k2 = "function" == typeof requestAnimationFrame;
  }
});

// third_party/preact/jsx-runtime/src/index.js
function n2(r4) {
  if (!r4.length || !e3.test(r4)) return r4;
  for (var t4 = 0, n4 = 0, f5 = "", o5 = ""; n4 < r4.length; n4++) {
    switch (r4.charCodeAt(n4)) {
      case 34:
        o5 = "&quot;";
        break;
      case 38:
        o5 = "&amp;";
        break;
      case 60:
        o5 = "&lt;";
        break;
      default:
        continue;
    }
    n4 != t4 && (f5 += r4.slice(t4, n4)), f5 += o5, t4 = n4 + 1;
  }
  return n4 != t4 && (f5 += r4.slice(t4, n4)), f5;
}
function a3(t4, e5, n4, u5, a5, i5) {
  e5 || (e5 = {});
  var c5, l5, p6 = e5;
  if ("ref" in p6 && "function" != typeof t4) for (l5 in p6 = {}, e5) "ref" == l5 ? c5 = e5[l5] : p6[l5] = e5[l5];
  var s5 = { type: t4, props: p6, key: n4, ref: c5, __k: null, __: null, __b: 0, __e: null, __c: null, constructor: f3, __v: --o3, __i: -1, __u: 0 };
  return (a5 || i5) && (s5.__source = a5, s5.__self = i5), n.vnode && n.vnode(s5), s5;
}
function i3(r4) {
  var e5 = a3($, { tpl: r4, exprs: [].slice.call(arguments, 1) });
  return e5.key = e5.__v, e5;
}
function p3(t4, e5) {
  if (n.attr) {
    var f5 = n.attr(t4, e5);
    if ("string" == typeof f5) return f5;
  }
  if (e5 = (function(r4) {
    return null != r4 && "object" == typeof r4 && "function" == typeof r4.valueOf ? r4.valueOf() : r4;
  })(e5), "ref" == t4 || "key" == t4) return "";
  if ("style" == t4 && "object" == typeof e5) {
    var o5 = "";
    for (var u5 in e5) {
      var a5 = e5[u5];
      null != a5 && "" !== a5 && (o5 = o5 + ("-" == u5[0] ? u5 : c3[u5] || (c3[u5] = u5.replace(l3, "-$&").toLowerCase())) + ":" + a5 + ";");
    }
    return t4 + '="' + n2(o5) + '"';
  }
  return null == e5 || false === e5 || "function" == typeof e5 || "object" == typeof e5 ? "" : true === e5 ? t4 : t4 + '="' + n2("" + e5) + '"';
}
function s3(r4) {
  if (null == r4 || "boolean" == typeof r4 || "function" == typeof r4) return null;
  if ("object" == typeof r4) {
    if (r4.constructor === f3) return r4;
    if (u3(r4)) {
      for (var t4 = 0; t4 < r4.length; t4++) r4[t4] = s3(r4[t4]);
      return r4;
    }
  }
  return n2("" + r4);
}
var e3, f3, o3, u3, c3, l3;
var init_src3 = __esm({
  "third_party/preact/jsx-runtime/src/index.js"() {
    "use strict";
    init_src();
    init_src();
    e3 = /["&<]/;
    f3 = /* @__PURE__ */ Symbol.for("pv");
    o3 = 0;
    u3 = Array.isArray;
    c3 = {};
    l3 = /[A-Z]/g;
  }
});

// third_party/signals-core/index.js
function i4() {
  if (e4 > 1) {
    e4--;
    return;
  }
  let t4, i5 = false;
  !(function() {
    let t5 = h3;
    h3 = void 0;
    while (void 0 !== t5) {
      const i6 = t5.S;
      if (i6.v === t5.v) {
        for (let n4 = i6.t; void 0 !== n4; n4 = n4.x) if (n4.i === t5.i) n4.i = i6.i;
      }
      t5 = t5.o;
    }
  })();
  while (void 0 !== r3) {
    let n4 = r3;
    r3 = void 0;
    c4++;
    while (void 0 !== n4) {
      const o5 = n4.u;
      n4.u = void 0;
      n4.f &= -3;
      if (!(8 & n4.f) && w3(n4)) try {
        n4.c();
      } catch (n5) {
        if (!i5) {
          t4 = n5;
          i5 = true;
        }
      }
      n4 = o5;
    }
  }
  c4 = 0;
  e4--;
  if (i5) throw t4;
}
function n3(t4) {
  if (e4 > 0) return t4();
  d3 = ++u4;
  e4++;
  try {
    return t4();
  } finally {
    i4();
  }
}
function f4(t4) {
  const i5 = o4, n4 = s4;
  o4 = void 0;
  s4 = void 0;
  try {
    return t4();
  } finally {
    o4 = i5;
    s4 = n4;
  }
}
function l4(t4) {
  if (void 0 === o4) return;
  let i5 = t4.n;
  if (void 0 === i5 || i5.t !== o4) {
    i5 = { i: 0, S: t4, p: o4.s, n: void 0, t: o4, e: void 0, x: void 0, r: i5 };
    if (void 0 !== o4.s) o4.s.n = i5;
    o4.s = i5;
    t4.n = i5;
    if (32 & o4.f) t4.S(i5);
    return i5;
  } else if (-1 === i5.i) {
    i5.i = 0;
    if (void 0 !== i5.n) {
      i5.n.p = i5.p;
      if (void 0 !== i5.p) i5.p.n = i5.n;
      i5.p = o4.s;
      i5.n = void 0;
      o4.s.n = i5;
      o4.s = i5;
    }
    return i5;
  }
}
function y3(t4, i5) {
  this.v = t4;
  this.i = 0;
  this.n = void 0;
  this.t = void 0;
  this.l = 0;
  this.W = null == i5 ? void 0 : i5.watched;
  this.Z = null == i5 ? void 0 : i5.unwatched;
  this.name = null == i5 ? void 0 : i5.name;
}
function a4(t4, i5) {
  return new y3(t4, i5);
}
function w3(t4) {
  for (let i5 = t4.s; void 0 !== i5; i5 = i5.n) if (i5.S.i !== i5.i || !i5.S.h() || i5.S.i !== i5.i) return true;
  return false;
}
function b3(t4) {
  for (let i5 = t4.s; void 0 !== i5; i5 = i5.n) {
    const n4 = i5.S.n;
    if (void 0 !== n4) i5.r = n4;
    i5.S.n = i5;
    i5.i = -1;
    if (void 0 === i5.n) {
      t4.s = i5;
      break;
    }
  }
}
function _3(t4) {
  let i5, n4 = t4.s;
  while (void 0 !== n4) {
    const t5 = n4.p;
    if (-1 === n4.i) {
      n4.S.U(n4);
      if (void 0 !== t5) t5.n = n4.n;
      if (void 0 !== n4.n) n4.n.p = t5;
    } else i5 = n4;
    n4.S.n = n4.r;
    if (void 0 !== n4.r) n4.r = void 0;
    n4 = t5;
  }
  t4.s = i5;
}
function j3(t4, i5) {
  y3.call(this, void 0, i5);
  this.x = t4;
  this.s = void 0;
  this.g = v3 - 1;
  this.f = 4;
}
function O3(t4, i5) {
  return new j3(t4, i5);
}
function p4(t4) {
  const n4 = t4.j;
  t4.j = void 0;
  if ("function" == typeof n4) {
    e4++;
    const s5 = o4;
    o4 = void 0;
    try {
      n4();
    } catch (i5) {
      t4.f &= -2;
      t4.f |= 8;
      g3(t4);
      throw i5;
    } finally {
      o4 = s5;
      i4();
    }
  }
}
function g3(t4) {
  for (let i5 = t4.s; void 0 !== i5; i5 = i5.n) i5.S.U(i5);
  t4.x = void 0;
  t4.s = void 0;
  p4(t4);
}
function S2(t4) {
  if (o4 !== this) throw new Error("Out-of-order effect");
  _3(this);
  o4 = t4;
  this.f &= -2;
  try {
    if (8 & this.f) g3(this);
  } finally {
    i4();
  }
}
function m3(t4, i5) {
  this.x = t4;
  this.j = void 0;
  this.s = void 0;
  this.u = void 0;
  this.f = 32;
  this.name = null == i5 ? void 0 : i5.name;
  if (s4) s4.push(this);
}
function x3(t4, i5) {
  const n4 = new m3(t4, i5);
  try {
    n4.c();
  } catch (t5) {
    n4.d();
    throw t5;
  }
  const o5 = n4.d.bind(n4);
  o5[Symbol.dispose] = o5;
  return o5;
}
function E3(t4) {
  return function(...i5) {
    return n3(() => f4(() => t4.apply(this, i5)));
  };
}
function k3(t4) {
  return function(...i5) {
    let o5, r4;
    const f5 = (function() {
      let t5 = s4;
      s4 = [];
      return function() {
        let i6 = s4;
        if (s4 && t5) t5 = t5.concat(s4);
        s4 = t5;
        return i6;
      };
    })();
    try {
      r4 = t4(...i5);
    } catch (t5) {
      const i6 = s4;
      s4 = void 0;
      if (i6) try {
        n3(() => {
          for (let t6 = 0; t6 < i6.length; t6++) try {
            i6[t6].dispose();
          } catch (t7) {
          }
        });
      } catch (t6) {
      }
      throw t5;
    } finally {
      o5 = f5();
    }
    C3(r4, []);
    r4[Symbol.dispose] = E3(function() {
      if (o5) for (let t5 = 0; t5 < o5.length; t5++) o5[t5].dispose();
      o5 = void 0;
    });
    return r4;
  };
}
var t3, o4, s4, r3, h3, e4, c4, u4, d3, v3, C3;
var init_signals_core = __esm({
  "third_party/signals-core/index.js"() {
    "use strict";
    t3 = /* @__PURE__ */ Symbol.for("preact-signals");
    e4 = 0;
    c4 = 0;
    u4 = 0;
    d3 = 0;
    v3 = 0;
    y3.prototype.brand = t3;
    y3.prototype.h = function() {
      return true;
    };
    y3.prototype.S = function(t4) {
      const i5 = this.t;
      if (i5 !== t4 && void 0 === t4.e) {
        t4.x = i5;
        this.t = t4;
        if (void 0 !== i5) i5.e = t4;
        else f4(() => {
          var t5;
          null == (t5 = this.W) || t5.call(this);
        });
      }
    };
    y3.prototype.U = function(t4) {
      if (void 0 !== this.t) {
        const i5 = t4.e, n4 = t4.x;
        if (void 0 !== i5) {
          i5.x = n4;
          t4.e = void 0;
        }
        if (void 0 !== n4) {
          n4.e = i5;
          t4.x = void 0;
        }
        if (t4 === this.t) {
          this.t = n4;
          if (void 0 === n4) f4(() => {
            var t5;
            null == (t5 = this.Z) || t5.call(this);
          });
        }
      }
    };
    y3.prototype.subscribe = function(t4) {
      return x3(() => {
        const i5 = this.value;
        f4(() => t4(i5));
      }, { name: "sub" });
    };
    y3.prototype.valueOf = function() {
      return this.value;
    };
    y3.prototype.toString = function() {
      return this.value + "";
    };
    y3.prototype.toJSON = function() {
      return this.value;
    };
    y3.prototype.peek = function() {
      return f4(() => this.value);
    };
    Object.defineProperty(y3.prototype, "value", { get() {
      const t4 = l4(this);
      if (void 0 !== t4) t4.i = this.i;
      return this.v;
    }, set(t4) {
      if (t4 !== this.v) {
        if (c4 > 100) throw new Error("Cycle detected");
        !(function(t5) {
          if (0 !== e4 && 0 === c4) {
            if (t5.l !== d3) {
              t5.l = d3;
              h3 = { S: t5, v: t5.v, i: t5.i, o: h3 };
            }
          }
        })(this);
        this.v = t4;
        this.i++;
        v3++;
        e4++;
        try {
          for (let t5 = this.t; void 0 !== t5; t5 = t5.x) t5.t.N();
        } finally {
          i4();
        }
      }
    } });
    j3.prototype = new y3();
    j3.prototype.h = function() {
      this.f &= -3;
      if (1 & this.f) return false;
      if (32 == (36 & this.f)) return true;
      this.f &= -5;
      if (this.g === v3) return true;
      this.g = v3;
      this.f |= 1;
      if (this.i > 0 && !w3(this)) {
        this.f &= -2;
        return true;
      }
      const t4 = o4;
      try {
        b3(this);
        o4 = this;
        const t5 = this.x();
        if (16 & this.f || this.v !== t5 || 0 === this.i) {
          this.v = t5;
          this.f &= -17;
          this.i++;
        }
      } catch (t5) {
        this.v = t5;
        this.f |= 16;
        this.i++;
      }
      o4 = t4;
      _3(this);
      this.f &= -2;
      return true;
    };
    j3.prototype.S = function(t4) {
      if (void 0 === this.t) {
        this.f |= 36;
        for (let t5 = this.s; void 0 !== t5; t5 = t5.n) t5.S.S(t5);
      }
      y3.prototype.S.call(this, t4);
    };
    j3.prototype.U = function(t4) {
      if (void 0 !== this.t) {
        y3.prototype.U.call(this, t4);
        if (void 0 === this.t) {
          this.f &= -33;
          for (let t5 = this.s; void 0 !== t5; t5 = t5.n) t5.S.U(t5);
        }
      }
    };
    j3.prototype.N = function() {
      if (!(2 & this.f)) {
        this.f |= 6;
        for (let t4 = this.t; void 0 !== t4; t4 = t4.x) t4.t.N();
      }
    };
    Object.defineProperty(j3.prototype, "value", { get() {
      if (1 & this.f) throw new Error("Cycle detected");
      const t4 = l4(this);
      this.h();
      if (void 0 !== t4) t4.i = this.i;
      if (16 & this.f) throw this.v;
      return this.v;
    } });
    m3.prototype.c = function() {
      const t4 = this.S();
      try {
        if (8 & this.f) return;
        if (void 0 === this.x) return;
        const i5 = this.x();
        if ("function" == typeof i5) this.j = i5;
      } finally {
        t4();
      }
    };
    m3.prototype.S = function() {
      if (1 & this.f) throw new Error("Cycle detected");
      this.f |= 1;
      this.f &= -9;
      p4(this);
      b3(this);
      e4++;
      const t4 = o4;
      o4 = this;
      return S2.bind(this, t4);
    };
    m3.prototype.N = function() {
      if (!(2 & this.f)) {
        this.f |= 2;
        this.u = r3;
        r3 = this;
      }
    };
    m3.prototype.d = function() {
      this.f |= 8;
      if (!(1 & this.f)) g3(this);
    };
    m3.prototype.dispose = function() {
      this.d();
    };
    C3 = (t4, i5) => {
      i5.push(t4);
      const n4 = "[object Object]" === Object.prototype.toString.call(t4), o5 = /* @__PURE__ */ Object.create(null);
      for (let s5 = t4; s5 && s5 !== Object.prototype; s5 = n4 && Object.getPrototypeOf(s5)) {
        const n5 = Object.getOwnPropertyDescriptors(s5);
        for (const r4 in n5) {
          if (o5[r4]) continue;
          o5[r4] = true;
          const f5 = n5[r4].value;
          if ("function" == typeof f5) {
            if ("constructor" !== r4) t4[r4] = E3(f5);
          } else if (s5 === t4 && "object" == typeof f5 && null !== f5 && !("brand" in f5) && i5.indexOf(f5) < 0) C3(f5, i5);
        }
      }
    };
  }
});

// third_party/signals/index.js
function b4(t4, i5) {
  n[t4] = i5.bind(null, n[t4] || (() => {
  }));
}
function y4(t4) {
  if (v4) {
    const t5 = v4;
    v4 = void 0;
    t5();
  }
  v4 = t4 && t4.S();
}
function w4({ data: t4 }) {
  const i5 = useSignal(t4);
  i5.name = "ReactiveDom";
  i5.value = t4;
  const [n4, e5] = w2(() => {
    let t5 = this, n5 = this.__v;
    while (n5 = n5.__) if (n5.__c) {
      n5.__c.__$f |= 4;
      break;
    }
    const e6 = O3(() => {
      let t6 = i5.value.value;
      return 0 === t6 ? 0 : true === t6 ? "" : t6 || "";
    }), f5 = O3(() => !Array.isArray(e6.value) && !r(e6.value)), r4 = x3(function() {
      this.N = M2;
      if (f5.value) {
        const i6 = e6.value;
        if (t5.__v && t5.__v.__e && 3 === t5.__v.__e.nodeType) t5.__v.__e.data = i6;
      }
    }), u5 = this.__$u.d;
    this.__$u.d = function() {
      r4();
      u5.call(this);
    };
    return [f5, e6];
  }, []);
  return n4.value ? e5.peek() : e5.value;
}
function k4(t4, i5, n4, e5) {
  const o5 = i5 in t4 && void 0 === t4.ownerSVGElement, f5 = a4(n4);
  return { o: (t5, i6) => {
    f5.value = t5;
    e5 = i6;
  }, d: x3(function() {
    this.N = M2;
    const n5 = f5.value.value;
    if (e5[i5] !== n5) {
      e5[i5] = n5;
      if (o5) t4[i5] = n5;
      else if (null != n5 && (false !== n5 || "-" === i5[4])) t4.setAttribute(i5, n5);
      else t4.removeAttribute(i5);
    }
  }) };
}
function useSignal(t4, i5) {
  return w2(() => a4(t4, i5), []);
}
function useComputed(t4, i5) {
  const n4 = T2(t4);
  n4.current = t4;
  m4.__$f |= 4;
  return w2(() => O3(() => n4.current(), i5), []);
}
function T3() {
  n3(() => {
    let t4;
    while (t4 = _4.shift()) p5.call(t4);
  });
}
function x4() {
  if (1 === _4.push(this)) (n.requestAnimationFrame || q3)(T3);
}
function F3() {
  n3(() => {
    let t4;
    while (t4 = g4.shift()) p5.call(t4);
  });
}
function M2() {
  if (1 === g4.push(this)) (n.requestAnimationFrame || A3)(F3);
}
function useSignalEffect(t4, i5) {
  const n4 = T2(t4);
  n4.current = t4;
  const e5 = m4;
  A2(() => x3(function() {
    this.N = x4;
    if (!(e5 && 8 & e5.__$f)) return n4.current();
  }, i5), []);
}
function R2(t4) {
  const i5 = w2(() => t4(), []);
  A2(() => i5[Symbol.dispose], [i5]);
  return i5;
}
var d4, p5, m4, v4, _4, g4, q3, A3;
var init_signals = __esm({
  "third_party/signals/index.js"() {
    "use strict";
    init_src();
    init_src2();
    init_signals_core();
    init_signals_core();
    d4 = "undefined" != typeof window && !!window.__PREACT_SIGNALS_DEVTOOLS__;
    _4 = [];
    g4 = [];
    x3(function() {
      p5 = this.N;
    })();
    w4.displayName = "ReactiveTextNode";
    Object.defineProperties(y3.prototype, { constructor: { configurable: true, value: k($, null).constructor }, type: { configurable: true, value: w4 }, props: { configurable: true, get() {
      const t4 = this;
      return { data: { get value() {
        return t4.value;
      } } };
    } }, __b: { configurable: true, value: 1 } });
    b4("__b", (t4, i5) => {
      y4();
      m4 = void 0;
      if ("string" == typeof i5.type) {
        let t5, n4 = i5.props;
        for (let e5 in n4) {
          if ("children" === e5) continue;
          let o5 = n4[e5];
          if (o5 instanceof y3) {
            if (!t5) i5.__np = t5 = {};
            t5[e5] = o5;
            n4[e5] = o5.peek();
          }
        }
      }
      t4(i5);
    });
    b4("__r", (t4, n4) => {
      t4(n4);
      if (n4.type !== $) {
        y4();
        let t5, i5 = n4.__c;
        if (i5) {
          i5.__$f &= -2;
          t5 = i5.__$u;
          if (void 0 === t5) i5.__$u = t5 = (function(t6, i6) {
            let n5;
            x3(function() {
              n5 = this;
            }, { name: i6 });
            n5.c = t6;
            return n5;
          })(/* @__PURE__ */ (function(t6) {
            return function() {
              var i6;
              if (d4) null == (i6 = this.y) || i6.call(this);
              t6.__$f |= 1;
              t6.setState({});
            };
          })(i5), "function" == typeof n4.type ? n4.type.displayName || n4.type.name : "");
        }
        m4 = i5;
        y4(t5);
      }
    });
    b4("__e", (t4, i5, n4, e5) => {
      y4();
      m4 = void 0;
      t4(i5, n4, e5);
    });
    b4("diffed", (t4, i5) => {
      y4();
      m4 = void 0;
      let n4;
      if ("string" == typeof i5.type && (n4 = i5.__e)) {
        let t5 = i5.__np, e5 = i5.props, o5 = n4.U;
        if (o5) for (let i6 in o5) {
          let n5 = o5[i6];
          if (!(void 0 === n5 || t5 && i6 in t5)) {
            n5.d();
            o5[i6] = void 0;
          }
        }
        if (t5) {
          if (!o5) {
            o5 = {};
            n4.U = o5;
          }
          for (let i6 in t5) {
            let f5 = o5[i6], r4 = t5[i6];
            if (void 0 === f5) {
              f5 = k4(n4, i6, r4, e5);
              o5[i6] = f5;
            } else f5.o(r4, e5);
          }
        }
      }
      t4(i5);
    });
    b4("unmount", (t4, i5) => {
      if ("string" == typeof i5.type) {
        let t5 = i5.__e;
        if (t5) {
          const i6 = t5.U;
          if (i6) {
            t5.U = void 0;
            for (let t6 in i6) {
              let n5 = i6[t6];
              if (n5) n5.d();
            }
          }
        }
        let n4 = i5.__np;
        if (n4) {
          let t6 = i5.props;
          for (let i6 in n4) t6[i6] = n4[i6];
        }
        i5.__np = void 0;
      } else {
        let t5 = i5.__c;
        if (t5) {
          t5.__$f |= 8;
          const i6 = t5.__$u;
          if (i6) {
            t5.__$u = void 0;
            i6.d();
          }
        }
      }
      t4(i5);
    });
    b4("__h", (t4, i5, n4, e5) => {
      if (e5 < 3) i5.__$f |= 2;
      t4(i5, n4, e5);
    });
    x.prototype.shouldComponentUpdate = function(t4, i5) {
      if (this.__R) return true;
      const n4 = this.__$u, e5 = n4 && void 0 !== n4.s;
      for (let t5 in i5) return true;
      if (this.__f || "boolean" == typeof this.u && true === this.u) {
        const t5 = 2 & this.__$f;
        if (!(e5 || t5 || 4 & this.__$f)) return true;
        if (1 & this.__$f) return true;
      } else {
        if (!(e5 || 4 & this.__$f)) return true;
        if (3 & this.__$f) return true;
      }
      for (let i6 in t4) if ("__source" !== i6 && t4[i6] !== this.props[i6]) return true;
      for (let i6 in this.props) if (!(i6 in t4)) return true;
      return false;
    };
    q3 = "undefined" == typeof requestAnimationFrame ? setTimeout : function(t4) {
      const i5 = () => {
        clearTimeout(n4);
        cancelAnimationFrame(e5);
        t4();
      }, n4 = setTimeout(i5, 35), e5 = requestAnimationFrame(i5);
    };
    A3 = (t4) => {
      queueMicrotask(() => {
        queueMicrotask(t4);
      });
    };
  }
});

// src/lib/api.ts
function path(strings, ...values) {
  return String.raw({ raw: strings }, ...values.map(encodeURIComponent));
}
function query(params) {
  const q4 = new URLSearchParams();
  for (const [k5, v5] of Object.entries(params)) {
    if (v5 !== void 0 && v5 !== "" && v5 !== false) {
      q4.set(k5, String(v5));
    }
  }
  const text = q4.toString();
  return text && "?" + text;
}
async function call(method, where, o5 = {}) {
  const headers = { Accept: "application/json", "X-Perdure": "1" };
  const init = { method, headers, credentials: "same-origin", signal: o5.signal ?? null };
  if (method !== "GET") {
    headers["Idempotency-Key"] = o5.key ?? crypto.randomUUID();
    if (o5.body !== void 0) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(o5.body);
    }
  }
  let response;
  try {
    response = await fetch("api/v1/" + where, init);
  } catch (e5) {
    if (o5.signal?.aborted) {
      throw e5;
    }
    throw new ProblemError(0, { title: "unreachable", detail: "the server does not answer", hint: "it may be starting; this page tries again by itself" });
  }
  const text = await response.text();
  if (!response.ok) {
    throw new ProblemError(response.status, problemOf(text, response));
  }
  return text ? JSON.parse(text) : void 0;
}
function problemOf(text, response) {
  try {
    return JSON.parse(text);
  } catch {
    return { title: response.statusText, detail: `${response.status} ${response.statusText}` };
  }
}
function useQuery(where) {
  const [state, setState] = d2({ loading: true });
  const [round, setRound] = d2(0);
  A2(() => {
    if (where === void 0) {
      return void 0;
    }
    const stop = new AbortController();
    setState((s5) => ({ ...s5, loading: true }));
    get(where, stop.signal).then(
      (data) => setState({ where, data, loading: false }),
      (e5) => {
        if (!stop.signal.aborted) {
          const error = e5 instanceof ProblemError ? e5 : new ProblemError(0, { detail: String(e5) });
          setState((s5) => ({ ...s5.where === where && s5.data !== void 0 ? { where, data: s5.data } : {}, error, loading: false }));
        }
      }
    );
    return () => stop.abort();
  }, [where, round]);
  const refetch = b2(() => setRound((n4) => n4 + 1), []);
  const set = b2((change2) => {
    setState((s5) => {
      const data = change2(s5.data);
      return data === s5.data ? s5 : { ...s5, ...data === void 0 ? {} : { data } };
    });
  }, []);
  return { data: state.data, error: state.error, loading: state.loading, refetch, set };
}
var readOnly, ProblemError, get, post, remove;
var init_api = __esm({
  "src/lib/api.ts"() {
    "use strict";
    init_src2();
    readOnly = typeof document !== "undefined" && document.documentElement.dataset["mode"] === "readonly";
    ProblemError = class extends Error {
      constructor(status, problem) {
        super(problem.detail ?? problem.title ?? "the request failed");
        this.status = status;
        this.problem = problem;
      }
      status;
      problem;
      get code() {
        return this.problem.code ?? "";
      }
      get hint() {
        return this.problem.hint ?? "";
      }
    };
    get = (where, signal) => call("GET", where, signal ? { signal } : {});
    post = (where, body, key2) => call("POST", where, { body: body ?? {}, ...key2 ? { key: key2 } : {} });
    remove = (where) => call("DELETE", where);
  }
});

// src/lib/sse.ts
function eventReader() {
  let rest = [];
  let id = "";
  let event = "message";
  let data = [];
  return (piece) => {
    const found = [];
    const lines = piece.split("\n");
    const open2 = lines.pop() ?? "";
    for (let line of lines) {
      if (rest.length > 0) {
        line = rest.join("") + line;
        rest = [];
      }
      line = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (line === "") {
        if (data.length > 0) {
          found.push({ id, event, data: data.join("\n") });
        }
        event = "message";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value2 = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "data") {
        data.push(value2);
      } else if (field === "event") {
        event = value2;
      } else if (field === "id") {
        id = value2;
      }
    }
    if (open2 !== "") {
      rest.push(open2);
    }
    return found;
  };
}
var init_sse = __esm({
  "src/lib/sse.ts"() {
    "use strict";
  }
});

// src/lib/batch.ts
async function runBatch(order2, key2, signal, tell2) {
  const response = await fetch("api/v1/batches", {
    method: "POST",
    credentials: "same-origin",
    signal,
    headers: { Accept: "text/event-stream", "Content-Type": "application/json", "Idempotency-Key": key2, "X-Perdure": "1" },
    body: JSON.stringify(order2)
  });
  if (!response.ok || !response.body) {
    throw new ProblemError(response.status, await response.json().catch(() => ({ detail: response.statusText })));
  }
  const read2 = eventReader();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (; ; ) {
    const { done, value: value2 } = await reader.read();
    if (done) {
      throw new ProblemError(0, { detail: "the connection was lost before the end", hint: "Repeat: it goes on where it was." });
    }
    for (const e5 of read2(value2)) {
      const b5 = JSON.parse(e5.data);
      if (e5.event === "done") {
        return b5;
      }
      tell2(b5);
    }
  }
}
var previewBatch;
var init_batch = __esm({
  "src/lib/batch.ts"() {
    "use strict";
    init_api();
    init_sse();
    previewBatch = (order2) => post("batches?dry_run=1", order2);
  }
});

// src/lib/theme.ts
function initialTheme() {
  const stored = read(key);
  return stored === "light" || stored === "dark" ? stored : "system";
}
function chooseTheme(theme2) {
  document.documentElement.dataset["theme"] = theme2;
  write(key, theme2 === "system" ? null : theme2);
}
function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
function write(name, value2) {
  try {
    if (value2 === null) {
      localStorage.removeItem(name);
    } else {
      localStorage.setItem(name, value2);
    }
  } catch {
  }
}
var key;
var init_theme = __esm({
  "src/lib/theme.ts"() {
    "use strict";
    key = "perdure.theme";
  }
});

// src/lib/marks.ts
function markOf(id) {
  let sum = 2166136261;
  for (const byte of new TextEncoder().encode(id)) {
    sum = Math.imul(sum ^ byte, 16777619);
  }
  return sum >>> 24 ^ sum & 16777215;
}
function heldParam(ids) {
  const bytes2 = [...ids].slice(-most).flatMap((id) => {
    const m5 = markOf(id);
    return [m5 >> 16, m5 >> 8 & 255, m5 & 255];
  });
  return btoa(String.fromCharCode(...bytes2)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
var most;
var init_marks = __esm({
  "src/lib/marks.ts"() {
    "use strict";
    most = 1e3;
  }
});

// src/lib/connection.ts
var debounce, heldMost, lastPause, Connection;
var init_connection = __esm({
  "src/lib/connection.ts"() {
    "use strict";
    init_marks();
    init_sse();
    debounce = 250;
    heldMost = 4e3;
    lastPause = 2e3;
    Connection = class {
      constructor(base2, onEvent, onState) {
        this.base = base2;
        this.onEvent = onEvent;
        this.onState = onState;
      }
      base;
      onEvent;
      onState;
      topics = [];
      position = "";
      held = /* @__PURE__ */ new Set();
      // rows of lists, the newest last
      due = false;
      // a connection from position is to be made: the one before moves it no more
      stop;
      timer;
      failures = 0;
      state = "connecting";
      /**
       * Follows these topics from now on; since is the position from which on somebody new needs
       * them, "" = nobody does. What the others get again they have in that version. held are
       * the ids of the rows that lists hold, whose changes are told however much happens.
       */
      follow(topics, since, held) {
        this.hold(held);
        const wanted = [...new Set(topics)].sort();
        if (!since && wanted.join("\n") === this.topics.join("\n")) {
          return;
        }
        this.topics = wanted;
        if (since) {
          this.position = since;
          this.due = true;
        }
        this.again(debounce);
      }
      hold(ids) {
        for (const id of ids) {
          this.held.delete(id);
          this.held.add(id);
        }
        for (const id of this.held) {
          if (this.held.size <= heldMost) {
            break;
          }
          this.held.delete(id);
        }
      }
      /** Connects anew, such as when the page is seen again. */
      nudge() {
        if (this.state !== "live" && this.topics.length > 0) {
          this.failures = 0;
          this.again(0);
        }
      }
      close() {
        clearTimeout(this.timer);
        this.stop?.abort();
        this.topics = [];
      }
      again(pause2) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.connect(), pause2);
      }
      set(s5) {
        if (s5 !== this.state) {
          this.state = s5;
          this.onState(s5);
        }
      }
      async connect() {
        this.stop?.abort();
        const stop = new AbortController();
        this.stop = stop;
        this.due = false;
        if (this.topics.length === 0) {
          this.position = "";
          return;
        }
        const q4 = new URLSearchParams();
        for (const t4 of this.topics) {
          q4.append("topics", t4);
        }
        if (this.topics.some((t4) => t4.startsWith("list:"))) {
          q4.set("held", heldParam(this.held));
        }
        const blind = this.position === "";
        if (this.position) {
          q4.set("since", this.position);
        }
        try {
          const response = await fetch(new URL("api/v1/stream?" + q4.toString(), this.base), {
            headers: { Accept: "text/event-stream", "X-Perdure": "1" },
            signal: stop.signal,
            credentials: "same-origin",
            cache: "no-store"
          });
          if (!response.ok || !response.body) {
            throw new Error(String(response.status));
          }
          const read2 = eventReader();
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          for (; ; ) {
            const { done, value: value2 } = await reader.read();
            if (done) {
              break;
            }
            for (const e5 of stop.signal.aborted ? [] : read2(value2)) {
              this.take(e5);
              if (blind && e5.event === "hello") {
                this.onEvent({ topic: "", kind: "reset", position: e5.id, data: {} });
              }
            }
          }
        } catch {
        }
        if (stop.signal.aborted) {
          return;
        }
        this.failures++;
        this.set(this.failures > 3 ? "offline" : "reconnecting");
        this.again(Math.min(lastPause, 150 * 2 ** Math.min(this.failures, 5)) * (0.5 + Math.random() / 2));
      }
      take(e5) {
        if (e5.event === "hello") {
          this.failures = 0;
          this.set("live");
        }
        if (e5.id && !this.due) {
          this.position = e5.id;
        }
        let data;
        try {
          data = JSON.parse(e5.data);
        } catch {
          return;
        }
        if (e5.event === "list") {
          this.hold((data.upsert ?? []).map((r4) => r4.id));
        }
        this.onEvent({ topic: data.topic ?? "", kind: e5.event, position: e5.id, data });
      }
    };
  }
});

// src/lib/exchange.ts
var Exchange;
var init_exchange = __esm({
  "src/lib/exchange.ts"() {
    "use strict";
    init_connection();
    Exchange = class {
      tabs = /* @__PURE__ */ new Map();
      link;
      state = "connecting";
      constructor(base2) {
        this.link = new Connection(
          base2,
          (event) => {
            for (const t4 of this.tabs.values()) {
              if (event.topic === "" || t4.topics.includes(event.topic)) {
                t4.tell({ event });
              }
            }
          },
          (state) => {
            this.state = state;
            for (const t4 of this.tabs.values()) {
              t4.tell({ state });
            }
          }
        );
        setInterval(() => {
          const before2 = this.tabs.size;
          for (const [key2, t4] of this.tabs) {
            if (Date.now() - t4.seen > 9e4) {
              this.tabs.delete(key2);
            }
          }
          if (this.tabs.size < before2) {
            this.refresh("", []);
          }
        }, 3e4);
      }
      /** Takes what a tab says. The first time, tell is kept to answer with. */
      take(key2, m5, tell2) {
        let tab = this.tabs.get(key2);
        if (!tab && !m5.leave) {
          tab = { tell: tell2, topics: [], seen: 0 };
          this.tabs.set(key2, tab);
          tell2({ state: this.state });
        }
        if (m5.leave) {
          this.tabs.delete(key2);
          this.refresh("", []);
          return;
        }
        if (tab) {
          tab.seen = Date.now();
        }
        if (tab && m5.topics) {
          tab.topics = m5.topics;
          this.refresh(m5.since ?? "", m5.held ?? []);
        } else if (m5.nudge) {
          this.link.nudge();
        }
      }
      refresh(since, held) {
        this.link.follow([...this.tabs.values()].flatMap((t4) => t4.topics), since, held);
      }
    };
  }
});

// src/lib/format.ts
function chooseUTC(on) {
  utc.value = on;
  write("perdure.utc", on ? "1" : null);
}
function duration(ms2) {
  const n4 = Math.max(0, ms2);
  if (n4 < 1) {
    return n4 === 0 ? "0 ms" : "<1 ms";
  }
  if (n4 < 1e3) {
    return `${Math.round(n4)} ms`;
  }
  if (n4 < 6e4) {
    return `${(n4 / 1e3).toFixed(n4 < 9950 ? 1 : 0)} s`;
  }
  const s5 = Math.floor(n4 / 1e3);
  const two = (a5, x5, b5, y5) => b5 ? `${a5} ${x5} ${b5} ${y5}` : `${a5} ${x5}`;
  if (s5 < 3600) {
    return two(Math.floor(s5 / 60), "min", s5 % 60, "s");
  }
  if (s5 < 86400) {
    return two(Math.floor(s5 / 3600), "h", Math.floor(s5 % 3600 / 60), "min");
  }
  return two(Math.floor(s5 / 86400), "d", Math.floor(s5 % 86400 / 3600), "h");
}
function relative(time, at) {
  const d5 = at - time;
  if (Math.abs(d5) < 1e3) {
    return "now";
  }
  const s5 = Math.floor(Math.abs(d5) / 1e3);
  const text = s5 < 60 ? `${s5} s` : duration(s5 * 1e3).split(" ").slice(0, 2).join(" ");
  return d5 > 0 ? `${text} ago` : `in ${text}`;
}
function absolute(time, inUTC) {
  const d5 = new Date(inUTC ? time : time - new Date(time).getTimezoneOffset() * 6e4);
  return d5.toISOString().replace("T", " ").replace("Z", "") + (inUTC ? " UTC" : "");
}
function clock(time, at, inUTC) {
  const text = absolute(time, inUTC);
  return absolute(at, inUTC).slice(0, 10) === text.slice(0, 10) ? text.slice(11, 19) : text.slice(0, 16);
}
function count(n4) {
  if (n4 < 1e4) {
    return n4.toLocaleString("en");
  }
  return n4 < 1e6 ? `${(n4 / 1e3).toFixed(1)}k` : `${(n4 / 1e6).toFixed(1)}M`;
}
function bytes(n4) {
  return n4 < 1024 ? `${n4} B` : n4 < 1024 ** 2 ? `${(n4 / 1024).toFixed(1)} KB` : `${(n4 / 1024 ** 2).toFixed(1)} MB`;
}
function cost(micros) {
  const d5 = micros / 1e6;
  return "$" + (d5 >= 1 ? d5.toFixed(2) : d5 >= 0.01 ? d5.toFixed(3) : d5.toFixed(5));
}
function shortened(id) {
  return id.length > 24 ? id.slice(0, 16) + "…" : id;
}
var utc, now;
var init_format = __esm({
  "src/lib/format.ts"() {
    "use strict";
    init_signals();
    init_theme();
    utc = a4(read("perdure.utc") === "1");
    now = a4(Date.now());
    if (typeof document !== "undefined") {
      setInterval(() => {
        if (document.visibilityState === "visible") {
          now.value = Date.now();
        }
      }, 1e3);
    }
  }
});

// src/lib/led.ts
function led(name, base2, hear, again) {
  if (!navigator.locks || typeof BroadcastChannel === "undefined") {
    return void 0;
  }
  const id = crypto.randomUUID();
  const channel = new BroadcastChannel(name);
  channel.onmessage = (m5) => {
    if (m5.data.to === id && m5.data.told) {
      hear(m5.data.told);
    } else if (m5.data.to === "") {
      again();
    }
  };
  void navigator.locks.request(name, () => {
    const exchange = new Exchange(base2);
    const desk = new BroadcastChannel(name);
    desk.onmessage = (m5) => {
      const { from, said } = m5.data;
      if (from !== void 0 && said) {
        exchange.take(from, said, (told) => desk.postMessage({ to: from, told }));
      }
    };
    desk.postMessage({ to: "" });
    return new Promise(() => void 0);
  });
  return (said) => channel.postMessage({ from: id, said });
}
var init_led = __esm({
  "src/lib/led.ts"() {
    "use strict";
    init_exchange();
  }
});

// src/lib/live.ts
function flush() {
  scheduled = false;
  if (paused.value) {
    return;
  }
  const events = queue;
  queue = [];
  for (const f5 of [...followers]) {
    const mine = events.filter((e5) => e5.topic === f5.topic || e5.topic === "");
    if (mine.length > 0) {
      f5.take(mine);
    }
  }
}
function receive(e5) {
  position = e5.position || position;
  if (e5.kind === "hello") {
    return;
  }
  queue.push(e5);
  if (queue.length > 5e3) {
    queue = [{ topic: "", kind: "reset", position: e5.position, data: {} }];
  }
  if (!scheduled && !paused.value) {
    scheduled = true;
    requestAnimationFrame(flush);
  }
}
function unpause() {
  paused.value = false;
  flush();
}
function open() {
  if (link) {
    return link;
  }
  link = joined() ?? new Connection(document.baseURI, receive, (s5) => linkState.value = s5);
  const made = link;
  let leaving;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.visibilityState === "hidden") {
      leaving = setTimeout(() => {
        detached = true;
        made.follow([], "", []);
      }, patience);
      return;
    }
    if (detached) {
      detached = false;
      rejoin();
    }
    made.nudge();
  });
  addEventListener("online", () => made.nudge());
  return link;
}
function rejoin() {
  if (position === "") {
    receive({ topic: "", kind: "reset", position: "", data: {} });
  }
  refresh(position);
}
function joined() {
  const name = "perdure " + document.baseURI;
  const hear = (m5) => {
    if (m5.event) {
      receive(m5.event);
    }
    if (m5.state) {
      linkState.value = m5.state;
    }
  };
  const say2 = shared(name, hear) ?? led(name, document.baseURI, hear, rejoin);
  if (!say2) {
    return void 0;
  }
  addEventListener("pagehide", () => say2({ leave: true }));
  addEventListener("pageshow", (e5) => e5.persisted && rejoin());
  setInterval(() => say2({}), 3e4);
  return { follow: (topics, since, held) => say2({ topics, since, held }), nudge: () => say2({ nudge: true }) };
}
function shared(name, hear) {
  if (typeof SharedWorker === "undefined") {
    return void 0;
  }
  try {
    const { port } = new SharedWorker(new URL("live.js", document.baseURI), { name });
    port.onmessage = (m5) => hear(m5.data);
    port.start();
    return (m5) => port.postMessage(m5);
  } catch {
    return void 0;
  }
}
function refresh(since) {
  position = since || position;
  if (!detached) {
    const all = [...followers];
    open().follow([...new Set(all.map((f5) => f5.topic))], since, all.flatMap((f5) => f5.held()));
  }
}
function useTopic(topic, since, take, held = () => []) {
  const newest = T2({ take, held });
  newest.current = { take, held };
  A2(() => {
    if (!topic) {
      return void 0;
    }
    const f5 = { topic, take: (events) => newest.current.take(events), held: () => newest.current.held() };
    followers.add(f5);
    refresh(since ?? "");
    return () => {
      followers.delete(f5);
      refresh("");
    };
  }, [topic]);
}
function newer(a5, b5) {
  return a5.incarnation !== b5.incarnation || b5.row_version > a5.row_version;
}
var linkState, paused, followers, queue, scheduled, patience, link, position, detached;
var init_live = __esm({
  "src/lib/live.ts"() {
    "use strict";
    init_signals();
    init_src2();
    init_connection();
    init_led();
    linkState = a4("connecting");
    paused = a4(false);
    followers = /* @__PURE__ */ new Set();
    queue = [];
    scheduled = false;
    patience = 6e4;
    position = "";
    detached = false;
  }
});

// src/lib/hindered.ts
function hindered() {
  if (readOnly) {
    return "This server takes no changes.";
  }
  return linkState.value === "offline" ? "The server does not answer." : "";
}
var init_hindered = __esm({
  "src/lib/hindered.ts"() {
    "use strict";
    init_api();
    init_live();
  }
});

// src/lib/jsontext.ts
function parseJson(text) {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const at = new Finder(text).find();
    const before2 = text.slice(0, at.place);
    const line = before2.split("\n").length;
    return { ok: false, message: at.message, line, column: at.place - before2.lastIndexOf("\n") };
  }
}
function jsonError(text) {
  const typed = text.trim() === "" ? void 0 : parseJson(text);
  return !typed || typed.ok ? void 0 : `Line ${typed.line}, column ${typed.column}: ${typed.message}`;
}
var isPlain, Found, Finder;
var init_jsontext = __esm({
  "src/lib/jsontext.ts"() {
    "use strict";
    isPlain = (text) => jsonError(text) !== void 0 && !/^\s*["[{]/.test(text);
    Found = class extends Error {
      constructor(place, message2) {
        super(message2);
        this.place = place;
      }
      place;
    };
    Finder = class {
      constructor(text) {
        this.text = text;
      }
      text;
      at = 0;
      find() {
        try {
          this.value(0);
          this.blank();
          if (this.at < this.text.length) {
            this.fail("nothing may follow the value");
          }
        } catch (err) {
          if (err instanceof Found) {
            return { place: err.place, message: err.message };
          }
        }
        return { place: this.at, message: "this is no JSON" };
      }
      fail(message2) {
        throw new Found(this.at, message2);
      }
      blank() {
        while (" 	\n\r".includes(this.text[this.at] ?? "x")) {
          this.at++;
        }
      }
      value(depth) {
        this.blank();
        const c5 = this.text[this.at];
        if (c5 === void 0) {
          this.fail(this.at === 0 || this.text.trim() === "" ? "a value is missing" : "it ends too early");
        }
        if (depth > 500) {
          this.fail("it is nested too deeply");
        }
        if (c5 === "{") {
          this.list("}", () => {
            this.blank();
            if (this.text[this.at] !== '"') {
              this.fail("a name in double quotes is missing");
            }
            this.string();
            this.blank();
            if (this.text[this.at] !== ":") {
              this.fail("a colon is missing");
            }
            this.at++;
            this.value(depth + 1);
          });
        } else if (c5 === "[") {
          this.list("]", () => this.value(depth + 1));
        } else if (c5 === '"') {
          this.string();
        } else {
          const word3 = /^[^\s,:\[\]{}"]*/.exec(this.text.slice(this.at, this.at + 60))?.[0] ?? "";
          if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word3)) {
            this.fail(word3 === "" ? "a value is missing" : c5 === "'" ? "texts stand in double quotes" : word3 + " is no value; texts stand in double quotes");
          }
          this.at += word3.length;
        }
      }
      list(close, member) {
        this.at++;
        this.blank();
        if (this.text[this.at] === close) {
          this.at++;
          return;
        }
        for (; ; ) {
          member();
          this.blank();
          if (this.text[this.at] === close) {
            this.at++;
            return;
          }
          if (this.text[this.at] !== ",") {
            this.fail(this.at >= this.text.length ? close + " is missing at the end" : "a comma or " + close + " is missing");
          }
          this.at++;
          this.blank();
          if (this.text[this.at] === close) {
            this.fail("no comma may stand before " + close);
          }
        }
      }
      string() {
        for (this.at++; ; this.at++) {
          const c5 = this.text[this.at];
          if (c5 === void 0) {
            this.fail("a text has no end");
          }
          if (c5 === '"') {
            this.at++;
            return;
          }
          if (c5 < " ") {
            this.fail(c5 === "\n" ? "a text may not go over lines: write \\n" : "a control character in a text: write \\u and its number");
          }
          if (c5 === "\\") {
            if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.text.slice(this.at, this.at + 6))) {
              this.fail("a backslash begins no known escape");
            }
            this.at++;
          }
        }
      }
    };
  }
});

// src/lib/router.ts
function current() {
  return new URL(location.href);
}
function go(to, replace = false) {
  const url = new URL(to, document.baseURI);
  if (url.href === address.value.href) {
    return;
  }
  const from = replace ? cameFrom()?.href : address.value.href;
  history[replace ? "replaceState" : "pushState"]({ scroll: 0, from }, "", url);
  address.value = url;
}
function cameFrom() {
  const from = history.state?.from;
  return typeof from === "string" ? new URL(from) : void 0;
}
function setParams(change2, replace = true) {
  const url = new URL(address.value.href);
  for (const [k5, v5] of Object.entries(change2)) {
    if (v5) {
      url.searchParams.set(k5, v5);
    } else {
      url.searchParams.delete(k5);
    }
  }
  go(url.href, replace);
}
function startRouter() {
  addEventListener("popstate", () => address.value = current());
  document.addEventListener("click", (e5) => {
    if (e5.defaultPrevented || e5.button !== 0 || e5.metaKey || e5.ctrlKey || e5.shiftKey || e5.altKey) {
      return;
    }
    const a5 = e5.target.closest?.("a");
    if (!a5 || a5.target || a5.hasAttribute("download") || a5.origin !== location.origin) {
      return;
    }
    const at = new URL(a5.href).pathname;
    if (!at.startsWith(base()) || at.startsWith(base() + "api/")) {
      return;
    }
    e5.preventDefault();
    go(a5.href);
  });
}
function match(pattern, at) {
  const want = pattern.split("/");
  const have = at.split("/");
  if (want.length !== have.length) {
    return void 0;
  }
  const params = {};
  for (const [i5, w5] of want.entries()) {
    const h4 = have[i5] ?? "";
    if (w5.startsWith(":")) {
      try {
        params[w5.slice(1)] = decodeURIComponent(h4);
      } catch {
        return void 0;
      }
    } else if (w5 !== h4) {
      return void 0;
    }
  }
  return params;
}
var base, address, below, route, param, enc, links;
var init_router = __esm({
  "src/lib/router.ts"() {
    "use strict";
    init_signals();
    base = () => new URL(document.baseURI).pathname;
    address = a4(typeof location === "undefined" ? new URL("file:///") : current());
    below = (url) => url.pathname.slice(base().length).replace(/\/+$/, "");
    route = O3(() => below(address.value));
    param = (name) => address.value.searchParams.get(name) ?? "";
    enc = encodeURIComponent;
    links = {
      run: (id, tab = "") => `runs/${enc(id)}` + (tab && `?tab=${tab}`),
      runs: (filter = "") => "runs" + (filter && `?filter=${enc(filter)}`),
      agent: (name) => `agents/${enc(name)}`,
      session: (name, key2) => `agents/${enc(name)}/s/${enc(key2)}`,
      entity: (name, key2) => `entities/${enc(name)}/${enc(key2)}`
    };
  }
});

// src/lib/runactions.ts
var runActions;
var init_runactions = __esm({
  "src/lib/runactions.ts"() {
    "use strict";
    runActions = [
      ["event", "Raise event…"],
      ["suspend", "Suspend"],
      ["resume", "Resume"],
      ["rewind", "Rewind…"],
      ["fork", "Fork…"],
      ["restart", "Restart…"],
      ["cancel", "Cancel…"],
      ["terminate", "Terminate…"],
      ["purge", "Purge…"]
    ];
  }
});

// src/parts/Announcer.tsx
function announce(text, summary = false) {
  const t4 = Date.now();
  if (summary && t4 - last3 < 5e3) {
    return;
  }
  last3 = t4;
  message.value = "";
  requestAnimationFrame(() => message.value = text);
}
function Announcer() {
  return /* @__PURE__ */ a3("div", { class: "hidden-text", role: "status", "aria-live": "polite", children: message.value });
}
var message, last3;
var init_Announcer = __esm({
  "src/parts/Announcer.tsx"() {
    "use strict";
    init_signals();
    init_src3();
    message = a4("");
    last3 = 0;
  }
});

// src/parts/Dialog.tsx
function Dialog({ title: title2, onClose, children, wide = false }) {
  const box = T2(null);
  const id = P2();
  A2(() => {
    const before2 = document.activeElement;
    box.current?.showModal();
    box.current?.querySelector("form :is(input, select, textarea)")?.focus();
    return () => before2?.focus?.();
  }, []);
  return /* @__PURE__ */ a3(
    "dialog",
    {
      ref: box,
      class: wide ? "wide" : "",
      "aria-labelledby": id,
      onCancel: (e5) => {
        e5.preventDefault();
        onClose();
      },
      onKeyDown: (e5) => {
        if (e5.key === "Enter" && (e5.ctrlKey || e5.metaKey)) {
          e5.preventDefault();
          box.current?.querySelector("form")?.requestSubmit();
        }
      },
      onClick: (e5) => {
        if (e5.target === box.current) {
          onClose();
        }
      },
      children: /* @__PURE__ */ a3("div", { class: "dialog-body", children: [
        /* @__PURE__ */ a3("header", { children: [
          /* @__PURE__ */ a3("h2", { id, children: title2 }),
          /* @__PURE__ */ a3("button", { type: "button", class: "quiet", "aria-label": "Close", onClick: onClose, children: "✕" })
        ] }),
        children
      ] })
    }
  );
}
var init_Dialog = __esm({
  "src/parts/Dialog.tsx"() {
    "use strict";
    init_src2();
    init_src3();
  }
});

// src/parts/Menu.tsx
function Menu({ label, items, children }) {
  const [open2, setOpen] = d2(false);
  const box = T2(null);
  const id = P2();
  const close = (why) => {
    setOpen(false);
    if (why !== "away") {
      box.current?.querySelector("button")?.focus();
    }
  };
  return /* @__PURE__ */ a3("div", { class: "menu", ref: box, children: [
    /* @__PURE__ */ a3("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": open2, "aria-controls": id, "aria-label": label, onClick: () => setOpen(!open2), children }),
    open2 && /* @__PURE__ */ a3(MenuList, { id, label, items, within: box, onClose: close })
  ] });
}
function MenuList({ id, label, items, within, at, onClose }) {
  const list = T2(null);
  const newest = T2(onClose);
  newest.current = onClose;
  A2(() => {
    const away = (e5) => {
      if (!(within ?? list).current?.contains(e5.target)) {
        newest.current("away");
      }
    };
    document.addEventListener("mousedown", away);
    list.current?.querySelector("[role=menuitem]:not([aria-disabled=true])")?.focus();
    return () => document.removeEventListener("mousedown", away);
  }, []);
  F2(() => {
    const l5 = list.current;
    if (l5 && at) {
      const room = l5.getBoundingClientRect();
      l5.style.left = `${Math.max(4, Math.min(at.x, innerWidth - room.width - 4))}px`;
      l5.style.top = `${Math.max(4, Math.min(at.y, innerHeight - room.height - 4))}px`;
    }
  });
  const move = (e5) => {
    const all = [...list.current?.querySelectorAll("[role=menuitem]") ?? []];
    const focused = all.indexOf(document.activeElement);
    const to = { ArrowDown: focused + 1, ArrowUp: focused - 1, Home: 0, End: -1 }[e5.key];
    if (e5.key === "Escape" || e5.key === "Tab") {
      e5.preventDefault();
      e5.stopPropagation();
      onClose("key");
    } else if (to !== void 0) {
      e5.preventDefault();
      all.at(to % all.length)?.focus();
    }
  };
  return /* @__PURE__ */ a3("div", { class: "menu-list" + (at ? " placed" : ""), role: "menu", id, ref: list, "aria-label": label, onKeyDown: move, children: items.map((i5) => /* @__PURE__ */ a3(
    "button",
    {
      type: "button",
      role: "menuitem",
      class: i5.danger ? "danger" : "",
      "aria-disabled": i5.reason !== void 0,
      tabIndex: -1,
      onClick: () => {
        if (i5.reason === void 0) {
          onClose("chosen");
          i5.run();
        }
      },
      children: [
        i5.label,
        i5.reason !== void 0 && /* @__PURE__ */ a3("small", { children: i5.reason })
      ]
    },
    i5.label
  )) });
}
var init_Menu = __esm({
  "src/parts/Menu.tsx"() {
    "use strict";
    init_src2();
    init_src3();
  }
});

// src/pages/run/actions.tsx
function useActions({ run, onApplied, onRewind, onFork, onPurged = () => go("runs"), onLeft }) {
  const [dialog, setDialog] = d2("");
  const [busy, setBusy] = d2("");
  const [error, setError] = d2();
  const reason = (action) => {
    const off = hindered();
    if (off) return off;
    if (run.actions.includes(action)) return void 0;
    return run.refused?.find((r4) => r4.action === action)?.reason ?? `Not while the run is ${run.status}.`;
  };
  const start = (action) => {
    setError(void 0);
    if (action === "rewind") return onRewind();
    if (action === "fork") return onFork();
    if (action !== "suspend" && action !== "resume") return setDialog(action);
    setBusy(action);
    post(path`runs/${run.id}/${action}`, {}).then(onApplied, setError).finally(() => setBusy(""));
  };
  const close = () => setDialog("");
  const leave = () => {
    close();
    onLeft?.();
  };
  const done = () => {
    close();
    onApplied();
  };
  const items = runActions.map(([action, label]) => ({ action, label, reason: reason(action), danger: action === "terminate" || action === "purge", run: () => start(action) }));
  const shown2 = /* @__PURE__ */ a3($, { children: [
    error && /* @__PURE__ */ a3("span", { class: "bad", role: "alert", children: [
      error.message,
      " ",
      error.hint
    ] }),
    dialog === "event" && /* @__PURE__ */ a3(EventDialog, { run, onClose: leave, onDone: done }),
    dialog === "restart" && /* @__PURE__ */ a3(RestartDialog, { run, onClose: leave, onDone: done }),
    (dialog === "cancel" || dialog === "terminate") && /* @__PURE__ */ a3(StopDialog, { run, action: dialog, onClose: leave, onDone: done }),
    dialog === "purge" && /* @__PURE__ */ a3(PurgeDialog, { run, onClose: leave, onDone: () => {
      close();
      onPurged();
    } })
  ] });
  return { items, busy, shown: shown2 };
}
function ActionForm({ title: title2, button, danger = false, invalid = false, send, onClose, children }) {
  const [key2] = d2(() => crypto.randomUUID());
  const [busy, setBusy] = d2(false);
  const [error, setError] = d2();
  return /* @__PURE__ */ a3(Dialog, { title: title2, onClose, children: /* @__PURE__ */ a3(
    "form",
    {
      onSubmit: (e5) => {
        e5.preventDefault();
        if (busy || invalid) return;
        setBusy(true);
        send(key2).catch((x5) => {
          setError(x5 instanceof ProblemError ? x5 : new ProblemError(0, { detail: String(x5) }));
          setBusy(false);
        });
      },
      children: [
        children,
        error && /* @__PURE__ */ a3("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ a3("div", { class: "row end", children: [
          /* @__PURE__ */ a3("button", { type: "button", onClick: onClose, children: "Leave" }),
          /* @__PURE__ */ a3("button", { type: "submit", class: danger ? "danger" : "primary", disabled: busy || invalid, children: busy ? "Applying…" : button })
        ] })
      ]
    }
  ) });
}
function EventDialog({ run, onClose, onDone }) {
  const waits2 = run.wait_names ?? (run.wait_name ? [run.wait_name] : []);
  const [name, setName] = d2(run.wait_name ?? "");
  const [data, setData] = d2("");
  const bad = jsonError(data);
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: "Raise an event",
      button: "Raise",
      invalid: bad !== void 0 || name === "",
      onClose,
      send: (key2) => post(path`runs/${run.id}/events/${name}`, data.trim() === "" ? null : JSON.parse(data), key2).then(onDone),
      children: [
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Name ",
          waits2.length === 1 && /* @__PURE__ */ a3("span", { class: "dim", children: [
            "the run waits for ",
            waits2[0]
          ] }),
          /* @__PURE__ */ a3("input", { required: true, value: name, list: "waits", onInput: (e5) => setName(e5.currentTarget.value) }),
          /* @__PURE__ */ a3("datalist", { id: "waits", children: waits2.map((w5) => /* @__PURE__ */ a3("option", { value: w5 }, w5)) })
        ] }),
        waits2.length > 1 && /* @__PURE__ */ a3("div", { class: "chips", role: "group", "aria-label": "The run waits for", children: [
          /* @__PURE__ */ a3("span", { class: "dim", children: "The run waits for" }),
          waits2.map((w5) => /* @__PURE__ */ a3("button", { type: "button", "aria-pressed": w5 === name, onClick: () => setName(w5), children: w5 }, w5))
        ] }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Data ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "JSON; nothing is null" }),
          /* @__PURE__ */ a3("textarea", { rows: 6, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: data, onInput: (e5) => setData(e5.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ a3("p", { class: "problem", children: bad })
      ]
    }
  );
}
function RestartDialog({ run, onClose, onDone }) {
  const [input, setInput] = d2(run.input === void 0 ? "" : JSON.stringify(run.input, null, 2));
  const [newID, setNewID] = d2(false);
  const [id, setID] = d2("");
  const [version, setVersion] = d2(run.version ?? "");
  const bad = jsonError(input);
  const body = () => ({
    new_id: newID,
    ...newID && id !== "" ? { id } : {},
    ...version !== (run.version ?? "") ? { version } : {},
    ...input.trim() === "" ? {} : { input: JSON.parse(input) }
  });
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: "Restart the run",
      button: "Restart",
      invalid: bad !== void 0,
      onClose,
      send: (key2) => post(path`runs/${run.id}/restart`, body(), key2).then((r4) => {
        onDone();
        if (r4.id !== run.id) go(links.run(r4.id));
      }),
      children: [
        /* @__PURE__ */ a3("p", { children: [
          "It begins anew from its input. ",
          newID ? "This run stays as it is." : "What was before stays readable as an older execution."
        ] }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ a3("textarea", { rows: 8, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: input, onInput: (e5) => setInput(e5.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ a3("p", { class: "problem", children: bad }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Version ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "of the code; nothing is none" }),
          /* @__PURE__ */ a3("input", { value: version, onInput: (e5) => setVersion(e5.currentTarget.value) })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field row", children: [
          /* @__PURE__ */ a3("input", { type: "checkbox", checked: newID, onChange: (e5) => setNewID(e5.currentTarget.checked) }),
          " Under a new id"
        ] }),
        newID && /* @__PURE__ */ a3("label", { class: "field", children: [
          "Id ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "nothing has one made" }),
          /* @__PURE__ */ a3("input", { value: id, onInput: (e5) => setID(e5.currentTarget.value) })
        ] })
      ]
    }
  );
}
function StopDialog({ run, action, onClose, onDone }) {
  const [reason, setReason] = d2("");
  const [recursive, setRecursive] = d2(true);
  const verb = action === "cancel" ? "Cancel" : "Terminate";
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: `${verb} the run`,
      button: verb,
      danger: true,
      onClose,
      send: (key2) => post(path`runs/${run.id}/${action}`, { reason, recursive }, key2).then(onDone),
      children: [
        /* @__PURE__ */ a3("p", { children: action === "cancel" ? "The run is told and may clean up." : "The run ends at once; nothing of it runs any more." }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Reason",
          /* @__PURE__ */ a3("input", { value: reason, maxLength: 4e3, onInput: (e5) => setReason(e5.currentTarget.value) })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field row", children: [
          /* @__PURE__ */ a3("input", { type: "checkbox", checked: recursive, onChange: (e5) => setRecursive(e5.currentTarget.checked) }),
          " Its child runs too",
          run.pending_counts?.children ? ` (${run.pending_counts.children} go on)` : ""
        ] })
      ]
    }
  );
}
function PurgeDialog({ run, onClose, onDone }) {
  const [recursive, setRecursive] = d2(false);
  const [held, setHeld] = d2([]);
  const [force, setForce] = d2(false);
  const [counted, setCounted] = d2();
  const ready = counted?.recursive === recursive && counted.force === force;
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: "Purge the run",
      button: ready ? `Purge ${counted.count} run${counted.count === 1 ? "" : "s"}` : "Count first",
      danger: true,
      onClose,
      send: async (key2) => {
        if (!ready) {
          const dry = await post(path`runs/${run.id}/purge` + "?dry_run=1", { recursive, force }).catch((x5) => {
            setHeld(x5 instanceof ProblemError ? x5.problem.held ?? [] : []);
            throw x5;
          });
          setCounted({ recursive, force, count: dry.count });
          throw new ProblemError(0, { detail: `${dry.count} run${dry.count === 1 ? "" : "s"} would be deleted with all that they hold.`, hint: "Press again to do it." });
        }
        await post(path`runs/${run.id}/purge`, { recursive, force }, key2);
        onDone();
      },
      children: [
        /* @__PURE__ */ a3("p", { children: "What is purged is gone: history, payloads and outcomes." }),
        /* @__PURE__ */ a3("label", { class: "field row", children: [
          /* @__PURE__ */ a3("input", { type: "checkbox", checked: recursive, onChange: (e5) => setRecursive(e5.currentTarget.checked) }),
          " Its child runs too"
        ] }),
        held.length > 0 && /* @__PURE__ */ a3("label", { class: "field row", children: [
          /* @__PURE__ */ a3("input", { type: "checkbox", checked: force, onChange: (e5) => setForce(e5.currentTarget.checked) }),
          " Give up ",
          held.length === 1 ? "this call" : `these ${held.length} calls`,
          ". What became of ",
          held.length === 1 ? "it" : "them",
          " is lost for ever, with the decision about it; the audit tells who has done so."
        ] })
      ]
    }
  );
}
var init_actions = __esm({
  "src/pages/run/actions.tsx"() {
    "use strict";
    init_src2();
    init_api();
    init_hindered();
    init_jsontext();
    init_router();
    init_runactions();
    init_Dialog();
    init_Menu();
    init_src3();
  }
});

// src/pages/run/axis.ts
var second, minute, hour, day, roundSteps;
var init_axis = __esm({
  "src/pages/run/axis.ts"() {
    "use strict";
    second = 1e3;
    minute = 60 * second;
    hour = 60 * minute;
    day = 24 * hour;
    roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];
  }
});

// src/pages/run/bars.ts
var init_bars = __esm({
  "src/pages/run/bars.ts"() {
    "use strict";
  }
});

// src/pages/run/critical.ts
var init_critical = __esm({
  "src/pages/run/critical.ts"() {
    "use strict";
    init_bars();
  }
});

// src/pages/run/icons.tsx
var init_icons = __esm({
  "src/pages/run/icons.tsx"() {
    "use strict";
    init_src3();
  }
});

// src/pages/run/model.ts
var init_model = __esm({
  "src/pages/run/model.ts"() {
    "use strict";
    init_src2();
    init_api();
    init_live();
    init_bars();
  }
});

// src/pages/run/window.ts
var init_window = __esm({
  "src/pages/run/window.ts"() {
    "use strict";
  }
});

// src/pages/run/timeline.tsx
function title(s5) {
  if (s5.kind === "timer") return s5.name || "timer";
  if (s5.kind === "decision") return `${(s5.ask ?? "decision").replace(/_/g, " ")}: ${s5.name || s5.agent || ""}`;
  if (s5.kind === "model") return s5.model ? `${s5.name || s5.agent} · ${s5.model}` : s5.name || "model";
  return s5.name || s5.agent || s5.target || s5.kind;
}
var init_timeline = __esm({
  "src/pages/run/timeline.tsx"() {
    "use strict";
    init_src2();
    init_format();
    init_router();
    init_axis();
    init_bars();
    init_critical();
    init_icons();
    init_model();
    init_window();
    init_src3();
  }
});

// src/pages/run/rewind.tsx
function RewindDialog({ run, to: first = 0, onClose, onDone }) {
  const [to, setTo] = d2(first || (run.status === "failed" ? 0 : 1));
  const [steps, setSteps] = d2([]);
  const [reason, setReason] = d2("");
  const [dry, setDry] = d2();
  const [execution] = d2(run.execution);
  A2(() => {
    const abort = new AbortController();
    get(path`runs/${run.id}/steps` + query({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  A2(() => {
    let current2 = true;
    post(path`runs/${run.id}/rewind` + "?dry_run=1", { to, execution }).then(
      (plan2) => current2 && setDry({ of: to, plan: plan2 }),
      (error) => current2 && setDry({ of: to, error })
    );
    return () => {
      current2 = false;
    };
  }, [run.id, to, execution]);
  const shown2 = dry?.of === to ? dry : void 0;
  const plan = shown2?.plan;
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: "Rewind the run",
      button: "Rewind",
      invalid: !plan,
      onClose,
      send: (key2) => post(path`runs/${run.id}/rewind`, { to: plan.to, execution, ...reason ? { reason } : {} }, key2).then(onDone),
      children: [
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Go back to",
          /* @__PURE__ */ a3("select", { value: to, onChange: (e5) => setTo(Number(e5.currentTarget.value)), children: [
            run.status === "failed" && /* @__PURE__ */ a3("option", { value: 0, children: "before what has failed" }),
            choices(steps, to).map((c5) => /* @__PURE__ */ a3("option", { value: c5.n, children: c5.label }, c5.n))
          ] })
        ] }),
        /* @__PURE__ */ a3("p", { class: "dim", children: [
          to === 0 ? "All that was done is served from the history; what has failed is given up." : "What was done before is served from the history; that and what came after it is given up.",
          " This execution stays readable as an older one."
        ] }),
        /* @__PURE__ */ a3("div", { class: "rewind-plan", role: "status", children: !shown2 ? /* @__PURE__ */ a3("span", { class: "dim", children: "Looking…" }) : shown2.error ? /* @__PURE__ */ a3("p", { class: "bad", children: [
          shown2.error.message,
          " ",
          shown2.error.hint
        ] }) : /* @__PURE__ */ a3(Plan, { plan, asked: to }) }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ a3("input", { value: reason, maxLength: 4e3, onInput: (e5) => setReason(e5.currentTarget.value) })
        ] })
      ]
    }
  );
}
function choices(steps, to) {
  const list = steps.filter((s5) => s5.n > 0 && s5.kind !== "internal").map((s5) => ({ n: s5.attempts?.[0]?.n ?? s5.n, label: `before ${title(s5)} (event ${s5.attempts?.[0]?.n ?? s5.n})` }));
  const near = Math.max(0, list.findIndex((c5) => c5.n >= to) - maxChoices / 2);
  const shown2 = list.slice(near, near + maxChoices);
  if (to > 0 && !shown2.some((c5) => c5.n === to)) shown2.push({ n: to, label: to === 1 ? "the beginning" : `before event ${to}` });
  return shown2.sort((a5, b5) => a5.n - b5.n);
}
function Plan({ plan, asked, moved }) {
  const again = plan.steps_run_again;
  return /* @__PURE__ */ a3($, { children: [
    /* @__PURE__ */ a3("p", { children: [
      /* @__PURE__ */ a3("b", { children: [
        count2(plan.steps_reused, "step"),
        " reused, ",
        again.length,
        " run again"
      ] }),
      again.length > 0 && /* @__PURE__ */ a3($, { children: [
        ": ",
        tally(again)
      ] })
    ] }),
    plan.unknown.length > 0 && /* @__PURE__ */ a3($, { children: [
      /* @__PURE__ */ a3("p", { class: "dim", children: "Only the code can tell" }),
      /* @__PURE__ */ a3("ul", { "aria-label": "What is not known", children: plan.unknown.map((what) => /* @__PURE__ */ a3("li", { children: what }, what)) })
    ] }),
    plan.steps_given_up.length > 0 && /* @__PURE__ */ a3("p", { children: [
      count2(plan.steps_given_up.length, "step"),
      " given up, to run again if the code comes to ",
      plan.steps_given_up.length === 1 ? "it" : "them",
      ": ",
      tally(plan.steps_given_up)
    ] }),
    plan.events_forgotten.length > 0 && /* @__PURE__ */ a3("p", { children: [
      "Forgotten, and waited for again: ",
      tally(plan.events_forgotten)
    ] }),
    plan.runs_below.length > 0 && /* @__PURE__ */ a3("ul", { "aria-label": "Runs below", children: [
      plan.runs_below.map((r4) => /* @__PURE__ */ a3("li", { class: r4.becomes === "anew" ? "warn" : void 0, children: [
        /* @__PURE__ */ a3("a", { href: links.run(r4.id), children: r4.name }),
        " ",
        becoming[r4.becomes],
        r4.steps_run_again.length > 0 && /* @__PURE__ */ a3($, { children: [
          ": ",
          tally(r4.steps_run_again)
        ] })
      ] }, r4.id)),
      plan.more_runs && /* @__PURE__ */ a3("li", { class: "dim", children: "and others" })
    ] }),
    plan.decisions_open.map((d5) => /* @__PURE__ */ a3("p", { class: "warn", children: [
      "⚠ ",
      /* @__PURE__ */ a3("b", { children: d5.tool }),
      " ",
      d5.kind === "approval" ? "needs a new approval" : "was called already: you will be asked what became of that before it is called again"
    ] }, d5.run + d5.kind + d5.call_id + d5.step)),
    plan.to !== asked && /* @__PURE__ */ a3("p", { class: "dim", children: moved ?? `It goes back to event ${plan.to}, as a decision was asked for there that has to be made again.` })
  ] });
}
function count2(n4, what) {
  return `${n4} ${what}${n4 === 1 ? "" : "s"}`;
}
function tally(names2) {
  const counts = /* @__PURE__ */ new Map();
  for (const n4 of names2) counts.set(n4, (counts.get(n4) ?? 0) + 1);
  const all = [...counts].map(([n4, c5]) => c5 > 1 ? `${n4} ×${c5}` : n4);
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}
var maxChoices, becoming;
var init_rewind = __esm({
  "src/pages/run/rewind.tsx"() {
    "use strict";
    init_src2();
    init_api();
    init_router();
    init_actions();
    init_timeline();
    init_src3();
    maxChoices = 500;
    becoming = {
      rewound: "is rewound to its beginning: what it did outside keeps its effect ids",
      retried: "has failed, and goes on from before that",
      resumed: "was ended, and goes on from there",
      goes_on: "still runs, and goes on",
      answered: "has ended, and is not run again",
      anew: "begins anew, and what it did outside is done again"
    };
  }
});

// src/pages/run/fork.tsx
function ForkDialog({ run, execution, to: first = 0, onClose }) {
  const [to, setTo] = d2(first);
  const [steps, setSteps] = d2([]);
  const [id, setID] = d2("");
  const [input, setInput] = d2();
  const [step, setStep] = d2(0);
  const [change2, setChange] = d2("result");
  const [outcome, setOutcome] = d2("");
  const [reason, setReason] = d2("");
  const [dry, setDry] = d2();
  A2(() => {
    const abort = new AbortController();
    get(path`runs/${run.id}/steps` + query({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  const bad = input !== void 0 && jsonError(input) || step > 0 && change2 === "result" && jsonError(outcome) || void 0;
  const where = { to, execution, ...step > 0 ? { step: { n: step } } : {} };
  const asked = JSON.stringify(where);
  A2(() => {
    let current2 = true;
    post(path`runs/${run.id}/fork` + "?dry_run=1", where).then(
      (plan) => current2 && setDry({ of: asked, plan }),
      (error) => current2 && setDry({ of: asked, error })
    );
    return () => {
      current2 = false;
    };
  }, [run.id, asked]);
  const shown2 = dry?.of === asked ? dry : void 0;
  const body = () => ({
    ...where,
    ...id ? { id } : {},
    ...reason ? { reason } : {},
    ...input !== void 0 ? { input: value(input) } : {},
    ...step > 0 ? { step: change2 === "failure" ? { n: step, failure: outcome || "it was made to fail" } : { n: step, result: value(outcome) } } : {}
  });
  const changeable = steps.filter((s5) => s5.n > 0 && (s5.kind === "activity" || s5.kind === "tool" || s5.kind === "model" || s5.kind === "child" || s5.kind === "agent" || s5.kind === "entity"));
  return /* @__PURE__ */ a3(
    ActionForm,
    {
      title: "Fork the run",
      button: "Fork",
      invalid: !shown2?.plan || bad !== void 0,
      onClose,
      send: (key2) => post(path`runs/${run.id}/fork`, body(), key2).then((r4) => {
        onClose();
        go(links.run(r4.id));
      }),
      children: [
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "The copy ends",
          /* @__PURE__ */ a3("select", { value: to, onChange: (e5) => setTo(Number(e5.currentTarget.value)), children: [
            /* @__PURE__ */ a3("option", { value: 0, children: step > 0 ? "before the outcome of the step that is changed" : "before what has failed first, else at the end" }),
            choices(steps, to).map((c5) => /* @__PURE__ */ a3("option", { value: c5.n, children: c5.label }, c5.n))
          ] })
        ] }),
        /* @__PURE__ */ a3("p", { class: "dim", children: "A new run begins with what is before that, and does what comes after it by itself. This run stays as it is." }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Another outcome",
          /* @__PURE__ */ a3("select", { value: step, onChange: (e5) => setStep(Number(e5.currentTarget.value)), children: [
            /* @__PURE__ */ a3("option", { value: 0, children: "all steps have their own" }),
            changeable.map((s5) => /* @__PURE__ */ a3("option", { value: s5.n, children: [
              title(s5),
              " (event ",
              s5.n,
              ")"
            ] }, s5.n))
          ] })
        ] }),
        step > 0 && /* @__PURE__ */ a3("fieldset", { class: "fork-outcome", children: [
          /* @__PURE__ */ a3("legend", { class: "hidden-text", children: "Outcome of the step" }),
          /* @__PURE__ */ a3("label", { class: "row", children: [
            /* @__PURE__ */ a3("input", { type: "radio", name: "change", checked: change2 === "result", onChange: () => setChange("result") }),
            " Result"
          ] }),
          /* @__PURE__ */ a3("label", { class: "row", children: [
            /* @__PURE__ */ a3("input", { type: "radio", name: "change", checked: change2 === "failure", onChange: () => setChange("failure") }),
            " Failure"
          ] }),
          /* @__PURE__ */ a3("label", { class: "field", children: [
            change2 === "result" ? /* @__PURE__ */ a3($, { children: [
              "Result ",
              /* @__PURE__ */ a3("span", { class: "dim", children: "JSON; left empty it is null" })
            ] }) : "What has gone wrong",
            /* @__PURE__ */ a3("textarea", { rows: 3, class: change2 === "result" ? "mono" : "", spellcheck: false, value: outcome, onInput: (e5) => setOutcome(e5.currentTarget.value) })
          ] })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field row", children: [
          /* @__PURE__ */ a3("input", { type: "checkbox", checked: input !== void 0, onChange: (e5) => setInput(e5.currentTarget.checked ? run.input === void 0 ? "" : JSON.stringify(run.input, null, 2) : void 0) }),
          " Another input"
        ] }),
        input !== void 0 && /* @__PURE__ */ a3("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ a3("textarea", { rows: 5, class: "mono", spellcheck: false, value: input, onInput: (e5) => setInput(e5.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ a3("p", { class: "problem", children: bad }),
        /* @__PURE__ */ a3("div", { class: "rewind-plan", role: "status", children: !shown2 ? /* @__PURE__ */ a3("span", { class: "dim", children: "Looking…" }) : shown2.error ? /* @__PURE__ */ a3("p", { class: "bad", children: [
          shown2.error.message,
          " ",
          shown2.error.hint
        ] }) : /* @__PURE__ */ a3(Plan, { plan: shown2.plan, asked: to || shown2.plan.to, moved: `It is copied up to event ${shown2.plan.to}, as something is open later that only this run can end.` }) }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Id of the new run ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "left empty it is a random one" }),
          /* @__PURE__ */ a3("input", { value: id, maxLength: 100, onInput: (e5) => setID(e5.currentTarget.value) })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ a3("input", { value: reason, maxLength: 4e3, onInput: (e5) => setReason(e5.currentTarget.value) })
        ] })
      ]
    }
  );
}
function value(text) {
  return text.trim() === "" ? null : JSON.parse(text);
}
var init_fork = __esm({
  "src/pages/run/fork.tsx"() {
    "use strict";
    init_src2();
    init_api();
    init_jsontext();
    init_router();
    init_actions();
    init_rewind();
    init_timeline();
    init_src3();
  }
});

// src/pages/runs/batch.tsx
function BatchDialog({ target, onClose, onDone }) {
  const [verb, done] = verbs[target.action] ?? [target.action, target.action];
  const [preview, setPreview] = d2();
  const [going, setGoing] = d2();
  const [stage, setStage] = d2("asking");
  const [error, setError] = d2();
  const [form2, setForm] = d2({ reason: "", recursive: false, typed: "" });
  const [key2] = d2(() => crypto.randomUUID());
  const stop = T2(new AbortController());
  A2(() => {
    let shown2 = true;
    previewBatch(target).then(
      (b5) => shown2 && setPreview(b5),
      (e5) => shown2 && setError(asProblem(e5))
    );
    return () => {
      shown2 = false;
      stop.current.abort();
    };
  }, []);
  const start = () => {
    const order2 = { ...target, ...form2.reason ? { reason: form2.reason } : {}, ...form2.recursive ? { recursive: true } : {} };
    const s5 = stop.current = new AbortController();
    setStage("running");
    setError(void 0);
    runBatch(order2, key2, s5.signal, setGoing).then(
      (b5) => {
        setGoing(b5);
        setStage("ended");
        announce(`${runs(b5.done)} ${done}`);
        onDone();
      },
      (e5) => {
        setStage(s5.signal.aborted ? "stopped" : "asking");
        setError(s5.signal.aborted ? void 0 : asProblem(e5));
        onDone();
      }
    );
  };
  const ready = preview !== void 0 && preview.done > 0 && (!lasting.includes(target.action) || form2.typed.trim() === String(preview.done));
  const closeWord = { asking: "Leave", running: "Stop", ended: "Close", stopped: "Close" }[stage];
  return /* @__PURE__ */ a3(Dialog, { title: `${verb} ${preview ? runs(preview.done) : "runs"}`, onClose, children: /* @__PURE__ */ a3(
    "form",
    {
      onSubmit: (e5) => {
        e5.preventDefault();
        if (ready && stage === "asking") {
          start();
        }
      },
      children: [
        stage === "asking" && /* @__PURE__ */ a3(Question, { target, preview, failed: error !== void 0, done, form: form2, onChange: setForm }),
        stage !== "asking" && /* @__PURE__ */ a3(Progress, { batch: going, total: preview?.total ?? 0, done, stage }),
        error && /* @__PURE__ */ a3("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ a3("div", { class: "row end", children: [
          /* @__PURE__ */ a3("button", { type: "button", onClick: () => stage === "running" ? stop.current.abort() : onClose(), children: closeWord }),
          stage === "asking" && /* @__PURE__ */ a3("button", { type: "submit", class: lasting.includes(target.action) ? "danger" : "primary", disabled: !ready, children: verb })
        ] })
      ]
    }
  ) });
}
function Question({ target, preview, failed, done, form: form2, onChange }) {
  if (!preview) {
    return failed ? null : /* @__PURE__ */ a3("p", { class: "dim", children: "Counting…" });
  }
  const word3 = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return /* @__PURE__ */ a3($, { children: [
    /* @__PURE__ */ a3("p", { role: "status", children: [
      /* @__PURE__ */ a3("b", { children: word3 }),
      " would be ",
      done,
      ".",
      target.filter !== void 0 && (target.filter === "" ? " All runs are meant." : /* @__PURE__ */ a3($, { children: [
        " All are meant that match ",
        /* @__PURE__ */ a3("code", { children: target.filter }),
        "."
      ] })),
      preview.partial && " More match than one batch takes: repeat it for the rest."
    ] }),
    /* @__PURE__ */ a3(Problems, { batch: preview }),
    preview.done > 0 && /* @__PURE__ */ a3($, { children: [
      (target.action === "terminate" || target.action === "cancel" || target.action === "purge") && /* @__PURE__ */ a3("label", { class: "field row", children: [
        /* @__PURE__ */ a3("input", { type: "checkbox", checked: form2.recursive, onChange: (e5) => onChange({ ...form2, recursive: e5.currentTarget.checked }) }),
        " Their child runs too"
      ] }),
      /* @__PURE__ */ a3("label", { class: "field", children: [
        "Reason ",
        /* @__PURE__ */ a3("span", { class: "dim", children: "for the record" }),
        /* @__PURE__ */ a3("input", { value: form2.reason, maxLength: 4e3, onInput: (e5) => onChange({ ...form2, reason: e5.currentTarget.value }) })
      ] }),
      lasting.includes(target.action) && /* @__PURE__ */ a3("label", { class: "field", children: [
        "Type ",
        preview.done,
        " to go on ",
        /* @__PURE__ */ a3("span", { class: "dim", children: "it cannot be taken back" }),
        /* @__PURE__ */ a3("input", { inputMode: "numeric", autocomplete: "off", value: form2.typed, onInput: (e5) => onChange({ ...form2, typed: e5.currentTarget.value }) })
      ] })
    ] })
  ] });
}
function Progress({ batch, total, done, stage }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return /* @__PURE__ */ a3($, { children: [
    /* @__PURE__ */ a3("progress", { max: Math.max(1, of), value: looked, "aria-label": "Progress" }),
    /* @__PURE__ */ a3("p", { role: "status", children: [
      stage === "stopped" && "Stopped: what was done stays done. ",
      runs(batch?.done ?? 0),
      " ",
      done,
      ", ",
      batch?.skipped ?? 0,
      " left out, ",
      batch?.failed ?? 0,
      " failed, of ",
      of.toLocaleString("en"),
      ".",
      stage === "ended" && batch?.partial && " More match: repeat it for the rest."
    ] }),
    batch && stage !== "running" && /* @__PURE__ */ a3(Problems, { batch })
  ] });
}
function Problems({ batch }) {
  const reasons = /* @__PURE__ */ new Map();
  for (const p6 of batch.problems) {
    reasons.set(p6.detail, [...reasons.get(p6.detail) ?? [], p6]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : /* @__PURE__ */ a3("ul", { class: "plain batch-problems", "aria-label": "Left out", children: [
    [...reasons].map(([detail, all]) => /* @__PURE__ */ a3("li", { children: [
      /* @__PURE__ */ a3("span", { class: "num", children: all.length }),
      /* @__PURE__ */ a3("span", { children: [
        detail,
        ":",
        " ",
        all.slice(0, 3).map((p6, i5) => /* @__PURE__ */ a3("span", { children: [
          i5 > 0 && ", ",
          /* @__PURE__ */ a3("a", { href: links.run(p6.id), class: "mono", children: p6.id })
        ] }, p6.id)),
        all.length > 3 && ` and ${all.length - 3} more`
      ] })
    ] }, detail)),
    left > batch.problems.length && /* @__PURE__ */ a3("li", { class: "dim", children: [
      "and ",
      left - batch.problems.length,
      " more"
    ] })
  ] });
}
var verbs, lasting, runs, asProblem;
var init_batch2 = __esm({
  "src/pages/runs/batch.tsx"() {
    "use strict";
    init_src2();
    init_api();
    init_batch();
    init_router();
    init_Announcer();
    init_Dialog();
    init_src3();
    verbs = {
      suspend: ["Suspend", "suspended"],
      resume: ["Resume", "resumed"],
      cancel: ["Cancel", "canceled"],
      terminate: ["Terminate", "terminated"],
      restart: ["Restart", "restarted"],
      rewind: ["Rewind", "rewound"],
      purge: ["Purge", "purged"]
    };
    lasting = ["cancel", "terminate", "purge"];
    runs = (n4) => `${n4.toLocaleString("en")} run${n4 === 1 ? "" : "s"}`;
    asProblem = (e5) => e5 instanceof ProblemError ? e5 : new ProblemError(0, { detail: String(e5) });
  }
});

// src/pages/runs/acts.tsx
var acts_exports = {};
__export(acts_exports, {
  Acts: () => Acts
});
function Acts({ asked, onBack, onClose, onPurged = onClose, onDone }) {
  if ("action" in asked && !("id" in asked)) {
    return /* @__PURE__ */ a3(BatchDialog, { target: asked, onClose, onDone });
  }
  return /* @__PURE__ */ a3(RowMenu, { asked, onBack, onClose, onPurged });
}
function RowMenu(props) {
  const run = useQuery(path`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return /* @__PURE__ */ a3(MenuList, { label: `Actions of ${props.asked.id}`, at: props.asked.at, items: [{ label: "Nothing can be done", reason: run.error.message, run: leave }], onClose: leave });
  }
  return run.data ? /* @__PURE__ */ a3(Loaded, { run: run.data, ...props }) : null;
}
function Loaded({ run, asked, onBack, onClose, onPurged }) {
  const [chosen, setChosen] = d2(false);
  const [rewinding, setRewinding] = d2(false);
  const [forking, setForking] = d2(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged, onRewind: () => setRewinding(true), onFork: () => setForking(true) });
  const items = asked.action ? acts.items.filter((i5) => i5.action === asked.action) : acts.items;
  A2(() => {
    const [only] = items;
    if (asked.action && only && only.reason === void 0) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return /* @__PURE__ */ a3(RewindDialog, { run, onClose, onDone: onClose });
  }
  if (forking) {
    return /* @__PURE__ */ a3(ForkDialog, { run, execution: run.execution ?? "", onClose });
  }
  if (chosen) {
    return /* @__PURE__ */ a3("div", { class: "acts", children: acts.shown });
  }
  return /* @__PURE__ */ a3(
    MenuList,
    {
      label: `Actions of ${run.id}`,
      at: asked.at,
      items,
      onClose: (why) => {
        if (why !== "away") {
          onBack();
        }
        if (why === "chosen") {
          setChosen(true);
        } else {
          onClose();
        }
      }
    }
  );
}
var init_acts = __esm({
  "src/pages/runs/acts.tsx"() {
    "use strict";
    init_src2();
    init_api();
    init_Menu();
    init_actions();
    init_fork();
    init_rewind();
    init_batch2();
    init_src3();
  }
});

// src/core.ts
init_src();
init_src2();
init_src3();
init_signals();
init_api();
init_batch();

// src/lib/chosentheme.ts
init_signals();
init_theme();
var theme = a4(initialTheme());
function setTheme(t4) {
  chooseTheme(t4);
  theme.value = t4;
}
var nextTheme = { system: "light", light: "dark", dark: "system" };

// src/core.ts
init_connection();

// src/lib/counts.ts
var many = 20;
function runsOf(items, key2, value2) {
  return items.filter((i5) => !key2 || i5[key2] === value2).reduce((n4, i5) => n4 + i5.count, 0);
}
function muchHappens(before2, now2) {
  return Math.abs(runsOf(now2) - runsOf(before2)) > many;
}

// src/lib/cut.ts
var partSize = 16e3;
function partEnd(text, from, size = partSize) {
  let end = from + size;
  if (end >= text.length) {
    return text.length;
  }
  for (const mark of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(mark, end - mark.length);
    if (at >= from + size / 2) {
      return at + mark.length;
    }
  }
  const code = text.charCodeAt(end - 1);
  if (code >= 55296 && code <= 56319) {
    end++;
  }
  return end;
}
function sizeText(n4) {
  if (n4 < 1e3) {
    return n4 + " characters";
  }
  return n4 < 1e6 ? (n4 / 1e3).toFixed(n4 < 1e4 ? 1 : 0) + " k characters" : (n4 / 1e6).toFixed(1) + " M characters";
}

// src/lib/decisions.ts
var approve = { answer: "approve", label: "Approve", done: "approved", tone: "good", key: "a" };
var deny = { answer: "deny", label: "Deny", done: "denied", tone: "bad", key: "d" };
function choicesOf(kind2) {
  switch (kind2) {
    case "approval":
      return [approve, deny];
    case "outcome_unknown":
      return [
        { answer: "happened", label: "It happened", done: "it happened", tone: "plain", key: "a" },
        { answer: "did_not_happen", label: "It did not happen", done: "it did not happen", tone: "plain", key: "d" },
        { answer: "retry", label: "Call again", done: "call again", tone: "bad" }
      ];
    case "budget":
      return [
        { answer: "raise", label: "Raise", done: "raised", tone: "good", key: "a" },
        { answer: "stop", label: "Stop the run", done: "stopped", tone: "bad", key: "d" }
      ];
    case "restore_hold":
      return [
        { answer: "release", label: "Release", done: "released", tone: "good", key: "a" },
        { answer: "release_hub", label: "Release all of the hub", done: "all of the hub released", tone: "bad" }
      ];
  }
  return [];
}
function refusedWhy(d5, answer) {
  return d5.refused?.find((r4) => r4.action === answer)?.reason ?? "";
}
function refusalsText(d5) {
  const by = /* @__PURE__ */ new Map();
  for (const c5 of choicesOf(d5.kind)) {
    const why = refusedWhy(d5, c5.answer);
    if (why) {
      by.set(why, [...by.get(why) ?? [], c5.label.toLowerCase()]);
    }
  }
  return [...by].map(([why, labels]) => `Not yours to ${labels.join(" or ")}: ${why}.`);
}
function decidersText(d5) {
  const who = d5.approvers?.length ? [...d5.approvers, ...d5.assignee && !d5.approvers.includes(d5.assignee) ? [d5.assignee] : []].join(", ") : "";
  const askers = d5.originator?.name ? [d5.originator.name] : d5.starters ?? [];
  const apart2 = d5.apart ? askers.length ? `not ${askers.join(", ")}, who asked` : "not who asked, and nobody knows who that was" : "";
  return who && apart2 ? `${who}; approve: ${apart2}` : who || apart2 && "approve: anybody, but " + apart2;
}
function keyedAnswer(kind2, key2) {
  return choicesOf(kind2).find((c5) => c5.key === key2)?.answer;
}
function doneText(d5) {
  const by = d5.answered_by ? " by " + d5.answered_by : "";
  switch (d5.state) {
    case "answered":
      return (choicesOf(d5.kind).find((c5) => c5.answer === d5.answer)?.done ?? d5.answer ?? "answered") + by + (d5.unread && d5.kind === "approval" ? ", without the hash of what was shown" : "");
    case "expired":
      return d5.on_timeout === "escalate" ? "expired: nobody answered in time" : "expired: denied, as nobody answered in time";
    case "superseded":
      return "no longer needed: the run has ended";
  }
  return "waits";
}
function askText(d5) {
  switch (d5.kind) {
    case "approval":
      return `${d5.agent} wants to call ${d5.tool}`;
    case "outcome_unknown":
      return `What became of ${d5.agent}'s call of ${d5.tool}?`;
    case "budget":
      return `The budget of ${d5.agent} is used up`;
    case "restore_hold":
      return `May ${d5.agent} call ${d5.tool}? The hub was restored from a backup`;
  }
  return `${d5.agent} asks about ${d5.tool}`;
}
function kindText(kind2) {
  return { approval: "Approval", outcome_unknown: "Unknown outcome", budget: "Budget", restore_hold: "Restore hold", event: "Event" }[kind2] ?? kind2;
}
function whyText(d5) {
  switch (d5.kind) {
    case "approval":
      return "The call is made once, with exactly these arguments, if you approve it.";
    case "outcome_unknown":
      return "The call was sent, but nobody knows whether it took effect. It is never repeated by itself.";
    case "budget":
      return "The run waits until the budget is raised, or ends it.";
    case "restore_hold":
      return "The call may have been made after the backup, which does not know of it. Released, the run and its conversation make their calls as ever. To prevent the call, terminate the run.";
  }
  return "";
}
function timeoutText(onTimeout) {
  return onTimeout === "escalate" ? "then others are asked" : onTimeout === "deny" ? "then it is denied" : "";
}
function itemsOf(decisions, runs2) {
  const items = [
    ...decisions.map((d5) => ({ kind: "decision", id: d5.id, deadline: d5.deadline ?? void 0, since: d5.requested_at, decision: d5 })),
    ...runs2.filter(waitsForPerson).map((r4) => ({ kind: "event", id: "run:" + r4.id, deadline: r4.next_fire_at, since: r4.phase_since ?? r4.created ?? "", run: r4 }))
  ];
  return items.sort((a5, b5) => order(a5.deadline, b5.deadline) || order(a5.since, b5.since) || (a5.id < b5.id ? -1 : 1));
}
function waitsForPerson(r4) {
  return r4.phase === "waiting_event" && !!r4.wait_name && !r4.agent && !r4.id.startsWith("dafx-");
}
function order(a5, b5) {
  if (a5 === b5) {
    return 0;
  }
  return a5 === void 0 ? 1 : b5 === void 0 ? -1 : Date.parse(a5) - Date.parse(b5);
}

// src/core.ts
init_exchange();
init_format();
init_hindered();

// src/lib/info.ts
init_api();
var last;
function useInfo() {
  const query2 = useQuery("info");
  last = query2.data ?? last;
  return { ...query2, data: last };
}

// src/core.ts
init_jsontext();

// src/lib/keys.ts
init_signals();
init_src2();
init_theme();
var lettersOn = a4(read("perdure.keys") !== "0");
function chooseLetters(on) {
  lettersOn.value = on;
  write("perdure.keys", on ? null : "0");
}
var layers = [];
var pending = "";
var timer;
function typing(e5) {
  const t4 = e5.target;
  return t4.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(t4.tagName);
}
function handle(e5) {
  if (e5.defaultPrevented || e5.isComposing) {
    return;
  }
  if (document.querySelector("dialog[open]")) {
    return;
  }
  let name = e5.key;
  if (e5.metaKey || e5.ctrlKey) {
    name = "Mod-" + name.toLowerCase();
  } else if (e5.altKey) {
    return;
  } else if (name !== "Escape") {
    if (typing(e5) || name.length === 1 && !lettersOn.value) {
      return;
    }
    if (pending) {
      name = pending + " " + name;
      pending = "";
    }
  }
  if (name === "Escape" && typing(e5)) {
    e5.target.blur();
    return;
  }
  for (const layer of [...layers].reverse()) {
    const f5 = layer[name];
    if (f5) {
      if (e5.key.length === 1) {
        e5.preventDefault();
      }
      f5(e5);
      return;
    }
  }
  if (name === "g") {
    pending = "g";
    clearTimeout(timer);
    timer = setTimeout(() => pending = "", 1200);
  }
}
function useKeys(handlers) {
  F2(() => {
    if (layers.length === 0) {
      document.addEventListener("keydown", handle);
    }
    layers.push(handlers);
    return () => {
      layers.splice(layers.indexOf(handlers), 1);
      if (layers.length === 0) {
        document.removeEventListener("keydown", handle);
      }
    };
  });
}

// src/core.ts
init_led();
init_live();
init_marks();

// src/lib/overlay.ts
init_signals();
init_src2();
init_api();
init_live();

// src/lib/status.ts
var looks = {
  pending: { icon: "◌", word: "Pending", tone: "neutral" },
  running: { icon: "▶", word: "Running", tone: "active" },
  suspended: { icon: "‖", word: "Suspended", tone: "warn" },
  completed: { icon: "✓", word: "Completed", tone: "good" },
  failed: { icon: "✕", word: "Failed", tone: "bad" },
  terminated: { icon: "■", word: "Terminated", tone: "neutral" },
  canceled: { icon: "⊘", word: "Canceled", tone: "neutral" },
  continued: { icon: "↻", word: "Continued", tone: "neutral" },
  stuck: { icon: "!", word: "Stuck", tone: "bad" },
  waiting_approval: { icon: "◆", word: "Waiting for approval", tone: "person" },
  retrying: { icon: "↺", word: "Retrying", tone: "warn" },
  active: { icon: "▶", word: "Active", tone: "active" },
  executing: { icon: "▶", word: "Executing", tone: "active" },
  queued: { icon: "…", word: "Queued", tone: "neutral" },
  waiting_event: { icon: "◇", word: "Waiting for event", tone: "wait" },
  waiting_timer: { icon: "◷", word: "Waiting for timer", tone: "wait" },
  idle: { icon: "○", word: "Idle", tone: "neutral" },
  answered: { icon: "✓", word: "Answered", tone: "good" },
  expired: { icon: "◷", word: "Expired", tone: "warn" },
  superseded: { icon: "⊘", word: "Superseded", tone: "neutral" }
};
function look(state) {
  return looks[state] ?? { icon: "•", word: state.replaceAll("_", " "), tone: "neutral" };
}
var isStuck = (r4) => r4.phase === "stuck" && (r4.status === "running" || r4.status === "pending");
function stateOf(r4) {
  return r4.phase && (r4.status === "running" || isStuck(r4)) ? r4.phase : r4.status;
}
function nameOf(r4) {
  return r4.name.startsWith("perdure.agent/") ? `${r4.agent || r4.name.slice("perdure.agent/".length)} (turn)` : r4.name;
}
var ended = (status) => ["completed", "failed", "terminated", "canceled"].includes(status);

// src/lib/overlay.ts
var overlays = a4(/* @__PURE__ */ new Map());
var every = 2e3;
var last2 = -every;
var most2 = 100;
var unknown = false;
function useOverlays(ids, steps = false) {
  const wanted = [...new Set(ids)].slice(0, most2).sort().join("\n");
  A2(() => {
    if (wanted === "" || unknown) {
      return void 0;
    }
    const stop = new AbortController();
    const asked = wanted.split("\n");
    const where = "run-overlay?" + asked.map((id) => "id=" + encodeURIComponent(id)).join("&") + (steps ? "&steps=1" : "");
    let timer2;
    const ask = async () => {
      if (document.visibilityState === "visible" && !paused.value) {
        last2 = performance.now();
        try {
          const told = await get(where, stop.signal);
          tell(asked, told.items);
        } catch (e5) {
          unknown ||= e5 instanceof ProblemError && e5.status === 501;
          tell(asked, []);
        }
      }
      if (!stop.signal.aborted && !unknown) {
        timer2 = setTimeout(() => void ask(), every);
      }
    };
    timer2 = setTimeout(() => void ask(), Math.max(100, last2 + every - performance.now()));
    return () => {
      stop.abort();
      clearTimeout(timer2);
    };
  }, [wanted, steps]);
}
function tell(asked, items) {
  const next = new Map(overlays.value);
  asked.forEach((id) => next.delete(id));
  items.forEach((o5) => next.set(o5.id, o5));
  overlays.value = next;
}
var isActive = (r4) => r4.status === "pending" && !isStuck(r4) || r4.status === "running" && r4.phase === "active";

// src/lib/plot.ts
var plotWidth = 600;
var plotHeight = 120;
function roof(n4) {
  if (n4 <= 0) {
    return 1;
  }
  const unit = 10 ** Math.floor(Math.log10(n4));
  return unit * ([1, 2, 3, 4, 5, 6, 8].find((f5) => f5 * unit >= n4 * 0.9999) ?? 10);
}
function plotPath(values, top) {
  const step = plotWidth / Math.max(values.length, 1);
  const y5 = (v5) => (plotHeight - v5 / top * (plotHeight - 4) - 1).toFixed(1);
  const x5 = (i5) => ((i5 + 0.5) * step).toFixed(1);
  let text = "";
  values.forEach((v5, i5) => {
    if (v5 === void 0) {
      return;
    }
    const before2 = values[i5 - 1] !== void 0;
    const after = values[i5 + 1] !== void 0;
    text += (before2 ? "L" : "M") + x5(i5) + " " + y5(v5);
    if (!before2 && !after) {
      text += `h${Math.max(step / 2, 3).toFixed(1)}`;
    }
  });
  return text;
}

// src/lib/randomkey.ts
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b5) => b5.toString(16).padStart(2, "0")).join("");
}

// src/core.ts
init_router();
init_runactions();

// src/lib/shell.ts
function word(text) {
  if (/^[\w./:,@%+=-]+$/.test(text) && !text.startsWith("=")) {
    return text;
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) {
    const escaped2 = text.replace(/[\\']/g, "\\$&").replace(/[\u0000-\u001f\u007f-\u009f]/g, (c5) => {
      const n4 = c5.charCodeAt(0);
      return n4 < 128 ? "\\x" + n4.toString(16).padStart(2, "0") : "\\u" + n4.toString(16).padStart(4, "0");
    });
    return `$'${escaped2}'`;
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}
function commandOf(verb, args, hub, options = {}) {
  const flags = Object.entries(options).flatMap(([k5, v5]) => v5 ? [` --${k5} ${word(v5)}`] : []).join("") + hub;
  const words = args.map((a5) => " " + word(a5)).join("");
  return "perdure " + verb + (args.some((a5) => a5.startsWith("-")) ? flags + " --" + words : words + flags);
}

// src/lib/slowly.ts
init_src2();
var apart = 1e4;
var times = 300;
var longest = 6e4;
var pause = (took) => Math.min(longest, Math.max(apart, took * times));
function useSlowly(read2, took = () => 0) {
  const newest = T2(read2);
  newest.current = read2;
  const last4 = T2(-apart);
  const timer2 = T2(void 0);
  A2(() => () => clearTimeout(timer2.current), []);
  const run = () => {
    last4.current = performance.now();
    newest.current();
  };
  return (busy) => {
    clearTimeout(timer2.current);
    const wait2 = busy ? last4.current + pause(took()) - performance.now() : 0;
    if (wait2 <= 0) {
      run();
    } else {
      timer2.current = setTimeout(run, wait2);
    }
  };
}

// src/core.ts
init_sse();
init_theme();

// src/lib/turnframes.ts
function emptyTurn() {
  return { parts: [], next: 0, step: 0, attempt: 1 };
}
function applyFrames(turn, frames) {
  const t4 = { ...turn, parts: [...turn.parts] };
  for (const f5 of frames) {
    if (f5.offset >= t4.next) {
      t4.next = f5.offset + 1;
      applyFrame(t4, f5);
    }
  }
  return t4;
}
function applyFrame(t4, f5) {
  const step = f5.step ?? t4.step;
  switch (f5.type) {
    case "step":
      t4.step = step;
      t4.attempt = 1;
      return;
    case "reset": {
      const from = f5.toOffset ?? f5.offset;
      t4.parts = t4.parts.filter((p6) => p6.offset < from).map((p6) => before(p6, from));
      t4.step = step;
      t4.attempt = f5.attempt ?? 1;
      delete t4.status;
      delete t4.error;
      return;
    }
    case "text":
    case "reasoning":
      say(t4, f5.type, step, f5);
      return;
    case "tool_call":
      t4.parts.push({
        kind: "call",
        step,
        offset: f5.offset,
        callId: f5.callId ?? "",
        tool: f5.tool ?? "",
        args: f5.arguments ?? ""
      });
      return;
    case "tool_result":
      change(t4, f5.callId, { ended: true, result: f5.result, error: f5.error }, { ended: f5.offset });
      return;
    case "decision":
      if (!f5.callId || !change(t4, f5.callId, { decision: f5.decision, decisionKind: f5.kind, decided: false }, { decision: f5.offset })) {
        t4.parts.push({ kind: "decision", step, offset: f5.offset, decision: f5.decision ?? "", decisionKind: f5.kind ?? "" });
      }
      return;
    case "decided":
      decided(t4, f5.offset, [f5.decision ?? "", ...f5.with ?? []]);
      return;
    case "agent":
      if (!f5.callId || !change(t4, f5.callId, { agent: f5.agent, run: f5.run }, { run: f5.offset })) {
        t4.parts.push({ kind: "agent", step, offset: f5.offset, agent: f5.agent ?? "", run: f5.run });
      }
      return;
    case "end":
      t4.status = f5.status ?? "completed";
      t4.error = f5.error;
      return;
  }
}
function say(t4, kind2, step, f5) {
  const last4 = t4.parts[t4.parts.length - 1];
  if (last4 && last4.kind === kind2 && last4.step === step) {
    t4.parts[t4.parts.length - 1] = { ...last4, text: last4.text + (f5.delta ?? "") };
  } else {
    t4.parts.push({ kind: kind2, step, offset: f5.offset, text: f5.delta ?? "" });
  }
}
function change(t4, callId, by, since) {
  for (let i5 = t4.parts.length - 1; i5 >= 0; i5--) {
    const p6 = t4.parts[i5];
    if (p6 && p6.kind === "call" && p6.callId === callId) {
      t4.parts[i5] = { ...p6, ...by, since: { ...p6.since, ...since } };
      return true;
    }
  }
  return false;
}
function decided(t4, offset, ids) {
  t4.parts = t4.parts.map(
    (p6) => (p6.kind === "call" || p6.kind === "decision") && p6.decision && ids.includes(p6.decision) ? { ...p6, decided: true, since: { ...p6.since, decided: offset } } : p6
  );
}
function before(p6, from) {
  if (p6.kind !== "call" && p6.kind !== "decision" || !p6.since || Object.values(p6.since).every((at) => at < from)) {
    return p6;
  }
  const { since } = p6;
  const q4 = { ...p6, since: Object.fromEntries(Object.entries(since).filter(([, at]) => at < from)) };
  const isVoid = (at) => at !== void 0 && at >= from;
  if (isVoid(since.decided)) {
    q4.decided = false;
  }
  if (q4.kind === "call") {
    if (isVoid(since.ended)) {
      delete q4.ended;
      delete q4.result;
      delete q4.error;
    }
    if (isVoid(since.decision)) {
      delete q4.decision;
      delete q4.decisionKind;
      delete q4.decided;
    }
    if (isVoid(since.run)) {
      delete q4.agent;
      delete q4.run;
    }
  }
  return q4;
}

// src/lib/turnstream.ts
init_sse();
var GoneError = class extends Error {
  constructor(status, message2) {
    super(message2);
    this.status = status;
  }
  status;
};
var longestPause = 2e3;
async function followTurn(o5) {
  const pause2 = o5.pause ?? wait;
  let next = o5.offset;
  let failures = 0;
  while (!o5.signal.aborted) {
    o5.onState?.("attaching");
    try {
      const ended2 = await attach(o5, next, (frames) => {
        failures = 0;
        const last4 = frames[frames.length - 1];
        if (last4) {
          next = last4.offset + 1;
        }
      });
      if (ended2) {
        return;
      }
    } catch (err) {
      if (o5.signal.aborted) {
        return;
      }
      if (err instanceof GoneError) {
        throw err;
      }
    }
    o5.onState?.("lost");
    failures++;
    await pause2(Math.min(longestPause, 100 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random() / 2), o5.signal);
  }
}
async function attach(o5, offset, seen) {
  const silent = new AbortController();
  const abort = () => silent.abort();
  o5.signal.addEventListener("abort", abort);
  let timer2 = setTimeout(abort, o5.silence ?? 4e4);
  try {
    const response = await o5.open(offset, silent.signal);
    if (!response.ok || !response.body) {
      if ([400, 401, 403, 404, 410].includes(response.status)) {
        throw new GoneError(response.status, "the stream of the turn cannot be read");
      }
      return false;
    }
    o5.onState?.("live");
    const reader = response.body.getReader();
    const events = eventReader();
    const text = new TextDecoder();
    for (; ; ) {
      const { done, value: value2 } = await reader.read();
      if (done) {
        return false;
      }
      clearTimeout(timer2);
      timer2 = setTimeout(abort, o5.silence ?? 4e4);
      const frames = [];
      for (const e5 of events(text.decode(value2, { stream: true }))) {
        if (e5.event !== "error" && e5.event !== "accepted") {
          frames.push(JSON.parse(e5.data));
        }
      }
      if (frames.length > 0) {
        seen(frames);
        o5.onFrames(frames);
        if (frames.some((f5) => f5.type === "end")) {
          return true;
        }
      }
    }
  } finally {
    clearTimeout(timer2);
    o5.signal.removeEventListener("abort", abort);
    silent.abort();
  }
}
function wait(ms2, signal) {
  return new Promise((resolve) => {
    const timer2 = setTimeout(done, ms2);
    function done() {
      clearTimeout(timer2);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

// src/lib/visible.ts
var names = {
  173: "soft hyphen",
  1564: "Arabic letter mark",
  8203: "zero width space",
  8204: "zero width non-joiner",
  8205: "zero width joiner",
  8206: "left-to-right mark",
  8207: "right-to-left mark",
  8234: "left-to-right embedding",
  8235: "right-to-left embedding",
  8236: "pop directional formatting",
  8237: "left-to-right override",
  8238: "right-to-left override",
  8288: "word joiner",
  8294: "left-to-right isolate",
  8295: "right-to-left isolate",
  8296: "first strong isolate",
  8297: "pop directional isolate",
  8232: "line separator",
  8233: "paragraph separator",
  65279: "zero width no-break space"
};
var controls = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\p{Cs}";
var loose = new RegExp("[" + controls + "]", "gu");
var strict = new RegExp("[" + controls + "\\u00ad\\u180e\\u200b-\\u200d\\u3164\\uffa0]", "gu");
var word2 = /[\p{L}\p{M}]+/gu;
var latin = /(?![\uff00-\uffef])\p{Script=Latin}/u;
var likeLatin = /(?=\p{L})[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}\p{Script=Common}\uff00-\uffef]/gu;
var alike = "асԁеһіјӏорԛѕԝхуүѵѡАВСЕНІЈӀКМОРЅТХУҮԚԜѴαγηικνορτυωΑΒΕΖΗΙΚΜΝΟΡΤΥΧգզհոսցւքօՕՍԼՏᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏏᏚᏙᏞᏟᏢᏦᏴᏂᏒ";
var forms = "\\u{1d400}-\\u{1d7ff}\\uff21-\\uff3a\\uff41-\\uff5a";
var form = new RegExp("[" + forms + "]", "u");
var wholly = new RegExp("^[" + alike + forms + "]+$", "u");
function isForeign(words) {
  return words.some((w5) => !latin.test(w5) && !wholly.test(w5) && w5.search(likeLatin) >= 0);
}
function exactly(text) {
  const all = [...text.matchAll(strict)];
  const words = [...text.matchAll(word2)];
  const foreign = isForeign(words.map((w5) => w5[0]));
  for (const w5 of words) {
    if (!latin.test(w5[0]) && wholly.test(w5[0])) {
      for (const m5 of w5[0].matchAll(/./gsu)) {
        if (!foreign || form.test(m5[0])) {
          m5.index += w5.index;
          all.push(m5);
        }
      }
    } else if (latin.test(w5[0])) {
      for (const m5 of w5[0].matchAll(likeLatin)) {
        m5.index += w5.index;
        all.push(m5);
      }
    }
  }
  return all.sort((a5, b5) => (a5.index ?? 0) - (b5.index ?? 0));
}
function pieces(text, exact = false) {
  const found = [];
  let at = 0;
  for (const m5 of exact ? exactly(text) : text.matchAll(loose)) {
    m5.index ??= 0;
    if (m5[0] === "\r" && text[m5.index + 1] === "\n") {
      continue;
    }
    if (m5.index > at) {
      found.push({ text: text.slice(at, m5.index) });
    }
    const code = m5[0].codePointAt(0) ?? 0;
    found.push({ text: "U+" + code.toString(16).toUpperCase().padStart(4, "0"), hidden: names[code] ?? kind(code) });
    at = m5.index + m5[0].length;
  }
  if (at < text.length || found.length === 0) {
    found.push({ text: text.slice(at) });
  }
  return found;
}
function kind(code) {
  if (code >= 917504) {
    return "invisible tag character";
  }
  if (code >= 55296 && code <= 57343) {
    return "half of a character";
  }
  return /\p{L}/u.test(String.fromCodePoint(code)) ? "looks like a Latin letter, and is none" : "control character";
}
function escaped(text) {
  return pieces(text, true).map((p6) => p6.hidden ? "<" + p6.text + ">" : p6.text).join("");
}

// src/core.ts
init_Announcer();

// src/parts/Arguments.tsx
init_src2();

// src/parts/Payload.tsx
init_src2();

// src/parts/Visible.tsx
init_src3();
function Visible({ text, exact }) {
  const all = pieces(text, exact);
  if (all.length === 1 && !all[0]?.hidden) {
    return /* @__PURE__ */ a3($, { children: text });
  }
  return /* @__PURE__ */ a3($, { children: all.map((p6) => p6.hidden ? /* @__PURE__ */ a3("span", { class: "hidden-char", title: p6.hidden, children: p6.text }) : p6.text) });
}

// src/parts/Payload.tsx
init_src3();
function Payload({ value: value2, label }) {
  const text = w2(() => pretty(value2), [value2]);
  const [shown2, setShown] = d2(1);
  let end = 0;
  for (let i5 = 0; i5 < shown2 && end < text.length; i5++) {
    end = partEnd(text, end, 8e3);
  }
  return /* @__PURE__ */ a3("div", { class: "payload", children: [
    /* @__PURE__ */ a3("pre", { tabIndex: 0, role: "group", "aria-label": label, children: /* @__PURE__ */ a3(Visible, { text: text.slice(0, end), exact: true }) }),
    end < text.length && /* @__PURE__ */ a3("button", { type: "button", class: "quiet more", onClick: () => setShown(shown2 + 1), children: [
      "Show more (",
      sizeText(text.length - end),
      " left)"
    ] })
  ] });
}
var maxParsed = 1e6;
function pretty(value2) {
  if (typeof value2 !== "string") {
    return value2 === void 0 ? "" : JSON.stringify(value2, null, 2);
  }
  if (value2.length <= maxParsed && /^\s*[[{]/.test(value2)) {
    try {
      return JSON.stringify(JSON.parse(value2), null, 2);
    } catch {
      return value2;
    }
  }
  return value2;
}

// src/parts/Arguments.tsx
init_src3();
function Arguments({ value: value2 }) {
  const members = w2(() => flat(value2), [value2]);
  if (!members) {
    return /* @__PURE__ */ a3(Payload, { value: value2, label: "arguments" });
  }
  if (members.length === 0) {
    return /* @__PURE__ */ a3("p", { class: "dim", children: "no arguments" });
  }
  return /* @__PURE__ */ a3("dl", { class: "args", children: members.map(([name, v5]) => /* @__PURE__ */ a3("div", { children: [
    /* @__PURE__ */ a3("dt", { children: /* @__PURE__ */ a3(Visible, { text: name, exact: true }) }),
    /* @__PURE__ */ a3("dd", { children: typeof v5 === "string" && v5.length < 400 ? /* @__PURE__ */ a3(Visible, { text: v5, exact: true }) : /* @__PURE__ */ a3(Payload, { value: v5, label: name }) })
  ] }, name)) });
}
function flat(value2) {
  if (typeof value2 !== "object" || value2 === null || Array.isArray(value2)) {
    return null;
  }
  const members = Object.entries(value2);
  return members.length > 40 ? null : members.map(([k5, v5]) => [k5, typeof v5 === "string" && !ambiguous(v5) ? v5 : JSON.stringify(v5, null, 2)]);
}
function ambiguous(text) {
  if (/[\n\r]/.test(text) && text.length < 400) {
    return true;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text.trim() !== text || text === "";
  }
}

// src/parts/Backlog.tsx
init_format();

// src/parts/Time.tsx
init_format();
init_src3();
function Time({ at, exact = false }) {
  if (!at) {
    return /* @__PURE__ */ a3("span", { class: "dim", children: "–" });
  }
  const t4 = Date.parse(at);
  const full = absolute(t4, utc.value);
  return /* @__PURE__ */ a3("time", { dateTime: at, title: full, children: exact ? clock(t4, now.value, utc.value) : relative(t4, now.value) });
}
function Duration({ from, to, ms: ms2 }) {
  if (ms2 !== void 0) {
    return /* @__PURE__ */ a3("span", { class: "num", children: duration(ms2) });
  }
  if (!from) {
    return /* @__PURE__ */ a3("span", { class: "dim", children: "–" });
  }
  const end = to ? Date.parse(to) : now.value;
  return /* @__PURE__ */ a3("span", { class: "num", children: duration(end - Date.parse(from)) });
}

// src/parts/Backlog.tsx
init_src3();
function Backlog({ items, most: most4 = Infinity }) {
  if (items === void 0 || items.length === 0) {
    return items && /* @__PURE__ */ a3("p", { class: "dim", children: "Nothing waits for a worker." });
  }
  return /* @__PURE__ */ a3("ul", { class: "plain", children: [
    items.slice(0, most4).map((b5) => /* @__PURE__ */ a3("li", { children: [
      /* @__PURE__ */ a3("span", { class: b5.served ? "dim" : "bad", children: b5.served ? "✓ served" : "! no worker" }),
      /* @__PURE__ */ a3("span", { children: [
        b5.kind,
        " ",
        /* @__PURE__ */ a3("strong", { children: b5.name }),
        " ",
        b5.version
      ] }),
      /* @__PURE__ */ a3("span", { class: "num", children: [
        count(b5.waiting),
        " waiting, ",
        count(b5.running),
        " running"
      ] }),
      b5.oldest && b5.waiting > 0 && /* @__PURE__ */ a3("span", { class: "dim", children: [
        "oldest ",
        /* @__PURE__ */ a3(Time, { at: b5.oldest })
      ] })
    ] }, b5.kind + b5.name + (b5.version ?? ""))),
    items.length > most4 && /* @__PURE__ */ a3("li", { children: /* @__PURE__ */ a3("a", { href: "workers", children: [
      items.length - most4,
      " more"
    ] }) })
  ] });
}

// src/parts/Copy.tsx
init_src2();
init_Announcer();
init_src3();
function CopyIcon() {
  return /* @__PURE__ */ a3("svg", { class: "copy-icon", viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true", children: /* @__PURE__ */ a3("path", { d: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z", fill: "none", stroke: "currentColor", "stroke-width": "1.3", "stroke-linejoin": "round" }) });
}
function LinkIcon() {
  return /* @__PURE__ */ a3("svg", { class: "copy-icon", viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true", children: /* @__PURE__ */ a3("path", { d: "M6.5 9.5a2.5 2.5 0 0 0 3.6 0l2.6-2.6a2.5 2.5 0 0 0-3.6-3.6L8 4.4M9.5 6.5a2.5 2.5 0 0 0-3.6 0L3.3 9.1a2.5 2.5 0 0 0 3.6 3.6L8 11.6", fill: "none", stroke: "currentColor", "stroke-width": "1.3", "stroke-linecap": "round" }) });
}
function Copy({ text, what, link: link2 = false }) {
  const [done, setDone] = d2(false);
  return /* @__PURE__ */ a3(
    "button",
    {
      type: "button",
      class: "quiet copy",
      title: "Copy " + what,
      "aria-label": "Copy " + what,
      onClick: async (e5) => {
        e5.preventDefault();
        e5.stopPropagation();
        try {
          await navigator.clipboard.writeText(text);
          setDone(true);
          announce("Copied");
          setTimeout(() => setDone(false), 1200);
        } catch {
          announce("The browser does not let this page copy");
        }
      },
      children: done ? "✓" : link2 ? /* @__PURE__ */ a3(LinkIcon, {}) : /* @__PURE__ */ a3(CopyIcon, {})
    }
  );
}

// src/parts/Command.tsx
init_src3();
function hubFlag() {
  const { origin } = location;
  return origin.endsWith("//127.0.0.1:8080") ? "" : " --hub " + origin;
}
function Command({ text }) {
  return /* @__PURE__ */ a3("div", { class: "command", children: [
    /* @__PURE__ */ a3("code", { children: text }),
    /* @__PURE__ */ a3(Copy, { text, what: "command" })
  ] });
}

// src/parts/Deadline.tsx
init_format();
init_src3();
function Deadline({ at, then }) {
  if (!at) {
    return /* @__PURE__ */ a3("span", { class: "dim", children: "no deadline" });
  }
  const left = Date.parse(at) - now.value;
  const tone = left < 6e4 ? "deadline late" : left < 36e5 ? "deadline soon" : "deadline";
  return /* @__PURE__ */ a3("span", { class: tone, title: absolute(Date.parse(at), utc.value), children: [
    left > 0 ? duration(Math.ceil(left / 1e3) * 1e3) + " left" : "time is over",
    then && /* @__PURE__ */ a3("span", { class: "dim", children: [
      ", ",
      then
    ] })
  ] });
}

// src/parts/Decide.tsx
init_src2();
init_api();
init_hindered();
init_jsontext();
init_src3();
function Decide({ decision: d5, onDone, ask, keys: keys2 = false, gone = false }) {
  const [comment, setComment] = d2("");
  const [confirm, setConfirm] = d2(null);
  const [busy, setBusy] = d2("");
  const [error, setError] = d2(null);
  const [edited, setEdited] = d2(null);
  const [result, setResult] = d2("");
  const [more, setMore] = d2({});
  const yes = T2(null);
  const choices2 = choicesOf(d5.kind);
  const off = hindered();
  A2(() => {
    const choice = ask?.id === d5.id && choices2.find((c5) => c5.answer === ask.answer);
    if (choice && !busy && !off && !refusedWhy(d5, choice.answer)) {
      setConfirm(choice);
    }
  }, [ask?.n]);
  A2(() => {
    if (confirm) {
      yes.current?.focus();
    }
  }, [confirm]);
  const [current2, setCurrent] = d2(null);
  A2(() => {
    if (!gone || busy) {
      return;
    }
    const stop = new AbortController();
    const timer2 = setTimeout(() => {
      get(path`decisions/${d5.id}`, stop.signal).then(setCurrent, () => {
      });
    }, 500);
    return () => {
      clearTimeout(timer2);
      stop.abort();
    };
  }, [gone, busy]);
  const typed = edited === null ? null : parseJson(edited);
  const outcome = result.trim() === "" ? null : parseJson(result);
  const wrong = typed && !typed.ok || outcome && !outcome.ok;
  async function send(choice) {
    setConfirm(null);
    setBusy(choice.answer);
    setError(null);
    const body = { answer: choice.answer, args_hash: d5.args_hash, comment: comment || void 0 };
    if (choice.answer === "approve" && typed?.ok) {
      body.args = typed.value;
    }
    if (choice.answer === "happened" && outcome?.ok) {
      body.result = outcome.value;
    }
    if (choice.answer === "raise") {
      body.raise = {
        tokens: Number(more.tokens) || void 0,
        usd: Number(more.usd) || void 0,
        calls: Number(more.calls) || void 0,
        time: more.time || void 0
      };
    }
    try {
      onDone(await post(path`decisions/${d5.id}`, body));
    } catch (err) {
      const e5 = err;
      setError(e5);
      if (e5.status === 409) {
        setCurrent(e5.problem.current ?? null);
      }
    }
    setBusy("");
  }
  if (current2 && current2.state !== "pending") {
    return /* @__PURE__ */ a3("div", { class: "decide-conflict", role: "alert", children: [
      /* @__PURE__ */ a3("strong", { children: [
        "This was decided meanwhile: ",
        doneText(current2)
      ] }),
      current2.answered_at && /* @__PURE__ */ a3($, { children: [
        ", ",
        /* @__PURE__ */ a3(Time, { at: current2.answered_at })
      ] }),
      ".",
      current2.comment && /* @__PURE__ */ a3("p", { class: "dim", children: [
        "“",
        current2.comment,
        "”"
      ] }),
      error && /* @__PURE__ */ a3("p", { class: "dim", children: "Your answer changed nothing." }),
      /* @__PURE__ */ a3("button", { type: "button", onClick: () => onDone(current2), children: "Go on" })
    ] });
  }
  return /* @__PURE__ */ a3("div", { class: "decide", children: [
    edited !== null && /* @__PURE__ */ a3("label", { class: "field", children: [
      "Arguments instead of these",
      /* @__PURE__ */ a3(
        "textarea",
        {
          class: "code",
          rows: Math.min(12, edited.split("\n").length + 1),
          value: edited,
          spellcheck: false,
          onInput: (e5) => setEdited(e5.currentTarget.value),
          "aria-invalid": !!typed && !typed.ok
        }
      ),
      typed && !typed.ok && /* @__PURE__ */ a3("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    d5.kind === "outcome_unknown" && /* @__PURE__ */ a3("label", { class: "field", children: [
      "Result, if it happened (JSON, may be empty)",
      /* @__PURE__ */ a3("textarea", { class: "code", rows: 2, value: result, spellcheck: false, onInput: (e5) => setResult(e5.currentTarget.value), "aria-invalid": !!outcome && !outcome.ok }),
      outcome && !outcome.ok && /* @__PURE__ */ a3("span", { class: "field-error", role: "alert", children: [
        "Line ",
        outcome.line,
        ", column ",
        outcome.column,
        ": ",
        outcome.message
      ] })
    ] }),
    d5.kind === "budget" && /* @__PURE__ */ a3(Raise, { decision: d5, values: more, onChange: setMore }),
    /* @__PURE__ */ a3("label", { class: "field", children: [
      /* @__PURE__ */ a3("span", { class: "hidden-text", children: "Comment" }),
      /* @__PURE__ */ a3("input", { type: "text", value: comment, placeholder: "Comment (goes with the answer)", onInput: (e5) => setComment(e5.currentTarget.value) })
    ] }),
    confirm ? /* @__PURE__ */ a3("div", { class: "decide-row", role: "alertdialog", "aria-label": confirm.label + "?", onKeyDown: (e5) => e5.key === "Escape" && (e5.stopPropagation(), setConfirm(null)), children: [
      /* @__PURE__ */ a3("span", { children: [
        confirm.label,
        "?"
      ] }),
      /* @__PURE__ */ a3("button", { type: "button", class: "tone-" + confirm.tone, ref: yes, disabled: !!wrong || off !== "" || !!refusedWhy(d5, confirm.answer), onClick: () => send(confirm), children: [
        "Yes, ",
        confirm.label.toLowerCase()
      ] }),
      /* @__PURE__ */ a3("button", { type: "button", onClick: () => setConfirm(null), children: "No" })
    ] }) : /* @__PURE__ */ a3("div", { class: "decide-row", children: [
      choices2.map((c5) => /* @__PURE__ */ a3(
        "button",
        {
          type: "button",
          class: "tone-" + c5.tone,
          disabled: off !== "" || busy !== "" || !!wrong || !!refusedWhy(d5, c5.answer) || c5.answer === "raise" && !raises(more),
          title: refusedWhy(d5, c5.answer) || void 0,
          "aria-keyshortcuts": keys2 ? c5.key : void 0,
          onClick: () => c5.answer === "retry" ? setConfirm(c5) : send(c5),
          children: [
            busy === c5.answer ? "Applying…" : c5.answer === "approve" && edited !== null ? "Approve with these" : c5.label,
            keys2 && c5.key && /* @__PURE__ */ a3("kbd", { "aria-hidden": "true", children: c5.key })
          ]
        },
        c5.answer
      )),
      d5.kind === "approval" && /* @__PURE__ */ a3("button", { type: "button", class: "link", onClick: () => setEdited(edited === null ? JSON.stringify(d5.args, null, 2) : null), children: edited === null ? "Edit arguments" : "Keep the arguments" })
    ] }),
    off && /* @__PURE__ */ a3("p", { class: "dim", role: "status", children: off }),
    refusalsText(d5).map((text) => /* @__PURE__ */ a3("p", { class: "decide-refused", children: /* @__PURE__ */ a3(Visible, { text, exact: true }) }, text)),
    error && /* @__PURE__ */ a3("p", { class: "field-error", role: "alert", children: [
      error.message,
      error.hint && ". " + error.hint
    ] })
  ] });
}
function raises(more) {
  return Object.values(more).some((v5) => v5.trim() !== "" && v5 !== "0");
}
var bounds = [
  ["tokens", "Tokens", "tokens"],
  ["usd", "US dollars", "usd"],
  ["calls", "Calls of models", "calls"]
];
function Raise({ decision, values, onChange }) {
  const b5 = decision.budget;
  const set = (name) => (e5) => onChange({ ...values, [name]: e5.currentTarget.value });
  return /* @__PURE__ */ a3("table", { class: "budget", children: [
    /* @__PURE__ */ a3("thead", { children: /* @__PURE__ */ a3("tr", { children: [
      /* @__PURE__ */ a3("th", { scope: "col", children: "Budget" }),
      /* @__PURE__ */ a3("th", { scope: "col", children: "Limit" }),
      /* @__PURE__ */ a3("th", { scope: "col", children: "Spent" }),
      /* @__PURE__ */ a3("th", { scope: "col", children: "Reserved" }),
      /* @__PURE__ */ a3("th", { scope: "col", children: "Needed" }),
      /* @__PURE__ */ a3("th", { scope: "col", children: "Raise by" })
    ] }) }),
    /* @__PURE__ */ a3("tbody", { children: [
      bounds.map(([field, label, name]) => {
        const limit = b5?.limit[field];
        return /* @__PURE__ */ a3("tr", { children: [
          /* @__PURE__ */ a3("th", { scope: "row", children: label }),
          /* @__PURE__ */ a3("td", { children: limit || "none" }),
          /* @__PURE__ */ a3("td", { children: b5?.spent[field] ?? 0 }),
          /* @__PURE__ */ a3("td", { children: b5?.reserved[field] ?? 0 }),
          /* @__PURE__ */ a3("td", { children: b5?.needed[field] ?? 0 }),
          /* @__PURE__ */ a3("td", { children: /* @__PURE__ */ a3("input", { type: "number", min: "0", step: "any", disabled: !limit, "aria-label": "Raise " + label + " by", value: values[name] ?? "", onInput: set(name) }) })
        ] }, name);
      }),
      /* @__PURE__ */ a3("tr", { children: [
        /* @__PURE__ */ a3("th", { scope: "row", children: "Time" }),
        /* @__PURE__ */ a3("td", { children: b5?.limit.time ? (b5.limit.time / 6e10).toFixed(1) + " min" : "none" }),
        /* @__PURE__ */ a3("td", { colSpan: 3, children: b5?.late ? "is over" : "" }),
        /* @__PURE__ */ a3("td", { children: /* @__PURE__ */ a3("input", { type: "text", placeholder: "10m", disabled: !b5?.limit.time, "aria-label": "Raise time by", value: values.time ?? "", onInput: set("time") }) })
      ] })
    ] })
  ] });
}

// src/core.ts
init_Dialog();

// src/parts/Empty.tsx
init_src3();
function Empty({ title: title2, children }) {
  return /* @__PURE__ */ a3("div", { class: "empty", children: [
    /* @__PURE__ */ a3("h2", { children: title2 }),
    children
  ] });
}

// src/parts/Help.tsx
init_Dialog();
init_src3();
var keys = [
  ["?", "This help"],
  ["/", "Filter"],
  ["g then o i r a e w c", "Overview, inbox, runs, agents, entities, workers, charts"],
  ["j k, arrows", "Next and previous row"],
  ["Enter", "Open"],
  ["Esc", "Back"],
  ["[ ]", "Previous and next run"],
  ["1 … 9", "Tabs"],
  ["h l, arrows", "Steps"],
  [", .", "Back and forth through the events of a run, in its state"],
  ["a d", "Approve or deny the chosen decision"],
  ["x, X", "Select a row, or all from the last one on"],
  ["m", "What may be done to the row"],
  ["f", "Fork the run, from the chosen step or event"],
  ["e s t", "Raise an event, suspend or resume, terminate: the row, or those that are selected"],
  ["n", "Start a run, begin a session"],
  ["Ctrl/⌘ Enter", "Send the form of a dialog"],
  ["Ctrl/⌘ K", "Go to anything, or do it"],
  ["L", "Pause what changes, or go on"]
];
function Help({ onClose }) {
  return /* @__PURE__ */ a3(Dialog, { title: "Keys", onClose, children: [
    /* @__PURE__ */ a3("dl", { class: "keys", children: keys.map(([k5, does]) => /* @__PURE__ */ a3("div", { children: [
      /* @__PURE__ */ a3("dt", { children: /* @__PURE__ */ a3("kbd", { children: k5 }) }),
      /* @__PURE__ */ a3("dd", { children: does })
    ] }, k5)) }),
    /* @__PURE__ */ a3("label", { class: "row", children: [
      /* @__PURE__ */ a3("input", { type: "checkbox", checked: lettersOn.value, onChange: (e5) => chooseLetters(e5.currentTarget.checked) }),
      " Single letters are keys"
    ] })
  ] });
}

// src/parts/JsonView.tsx
init_src2();
init_src3();
var shown = 200;
var longText = 2e3;
function JsonView({ value: value2, open: open2 = 2, label = "JSON" }) {
  if (value2 === void 0) {
    return /* @__PURE__ */ a3("span", { class: "dim", children: "nothing" });
  }
  return /* @__PURE__ */ a3("div", { class: "json", role: "group", "aria-label": label, children: [
    /* @__PURE__ */ a3("span", { class: "json-copy", children: /* @__PURE__ */ a3(Copy, { text: typeof value2 === "string" ? value2 : JSON.stringify(value2, null, 2), what: label }) }),
    /* @__PURE__ */ a3(Node, { value: value2, open: open2 })
  ] });
}
function Node({ name, value: value2, open: open2 }) {
  const key2 = name === void 0 ? null : /* @__PURE__ */ a3("span", { class: "json-key", children: [
    name,
    ": "
  ] });
  if (value2 === null || typeof value2 !== "object") {
    return /* @__PURE__ */ a3("div", { class: "json-line", children: [
      key2,
      /* @__PURE__ */ a3(Leaf, { value: value2 })
    ] });
  }
  const entries2 = Array.isArray(value2) ? value2.map((v5, i5) => [String(i5), v5]) : Object.entries(value2);
  const [from, to] = Array.isArray(value2) ? ["[", "]"] : ["{", "}"];
  if (entries2.length === 0) {
    return /* @__PURE__ */ a3("div", { class: "json-line", children: [
      key2,
      /* @__PURE__ */ a3("span", { children: from + to })
    ] });
  }
  return /* @__PURE__ */ a3(Branch, { label: key2, entries: entries2, from: from ?? "", to: to ?? "", open: open2 }, name);
}
function Branch({ label, entries: entries2, from, to, open: open2 }) {
  const [opened, setOpened] = d2(open2 > 0);
  const [most4, setMost] = d2(shown);
  return /* @__PURE__ */ a3("div", { class: "json-branch", children: [
    /* @__PURE__ */ a3("button", { type: "button", class: "json-toggle", "aria-expanded": opened, onClick: () => setOpened(!opened), children: [
      /* @__PURE__ */ a3("span", { "aria-hidden": "true", children: opened ? "▾" : "▸" }),
      " ",
      label,
      /* @__PURE__ */ a3("span", { class: "dim", children: opened ? from : `${from} ${entries2.length} ${entries2.length === 1 ? "entry" : "entries"} ${to}` })
    ] }),
    opened && /* @__PURE__ */ a3("div", { class: "json-inner", children: [
      entries2.slice(0, most4).map(([k5, v5]) => /* @__PURE__ */ a3(Node, { name: k5, value: v5, open: open2 - 1 }, k5)),
      entries2.length > most4 && /* @__PURE__ */ a3("button", { type: "button", class: "quiet", onClick: () => setMost(most4 + shown), children: [
        entries2.length - most4,
        " more"
      ] }),
      /* @__PURE__ */ a3("div", { class: "dim", children: to })
    ] })
  ] });
}
function Leaf({ value: value2 }) {
  const [all, setAll] = d2(false);
  if (typeof value2 !== "string") {
    return /* @__PURE__ */ a3("span", { class: "json-" + typeof value2, children: String(value2) });
  }
  const cut = !all && value2.length > longText;
  return /* @__PURE__ */ a3("span", { class: "json-string", children: [
    '"',
    cut ? value2.slice(0, longText) : value2,
    '"',
    cut && /* @__PURE__ */ a3("button", { type: "button", class: "quiet", onClick: () => setAll(true), children: [
      "… ",
      value2.length - longText,
      " more characters"
    ] })
  ] });
}

// src/parts/Lazy.tsx
init_src2();
init_src3();
function lazily(load) {
  let loaded;
  return (props) => {
    const [, redraw] = d2(0);
    const [failed, setFailed] = d2(false);
    A2(() => {
      if (!loaded) {
        load().then(
          (c5) => {
            loaded = c5;
            redraw((n4) => n4 + 1);
          },
          () => setFailed(true)
        );
      }
    }, []);
    if (failed) {
      return /* @__PURE__ */ a3("p", { class: "problem", role: "alert", children: "This part of the dashboard could not be loaded. Reload the page." });
    }
    const C4 = loaded;
    return C4 ? /* @__PURE__ */ a3(C4, { ...props }) : /* @__PURE__ */ a3("p", { class: "dim pad", children: "Loading…" });
  };
}

// src/parts/Login.tsx
init_signals();
init_src2();
init_api();
init_Dialog();
init_src3();
var wantsLogin = a4(false);
function Login() {
  const [token, setToken] = d2("");
  const [error, setError] = d2("");
  if (!wantsLogin.value) {
    return null;
  }
  return /* @__PURE__ */ a3(Dialog, { title: "Sign in", onClose: () => wantsLogin.value = false, children: /* @__PURE__ */ a3(
    "form",
    {
      onSubmit: (e5) => {
        e5.preventDefault();
        call("POST", "login", { body: { token } }).then(
          () => location.reload(),
          (x5) => setError(x5 instanceof ProblemError ? x5.message : String(x5))
        );
      },
      children: [
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Token",
          /* @__PURE__ */ a3("input", { type: "password", autocomplete: "current-password", value: token, onInput: (e5) => setToken(e5.currentTarget.value) })
        ] }),
        error && /* @__PURE__ */ a3("p", { class: "problem", role: "alert", children: error }),
        /* @__PURE__ */ a3("p", { class: "dim", children: "perdure token new writes one." }),
        /* @__PURE__ */ a3("button", { type: "submit", class: "primary", children: "Sign in" })
      ]
    }
  ) });
}

// src/core.ts
init_Menu();

// src/parts/NumberTable.tsx
init_src3();
function NumberTable({ label, heads, words = 1, rows, class: more = "" }) {
  const kind2 = (i5) => i5 < words ? void 0 : "num";
  return /* @__PURE__ */ a3("div", { class: "scroll " + more, tabIndex: 0, role: "region", "aria-label": label + " as a table", children: /* @__PURE__ */ a3("table", { class: "plain-table", children: [
    /* @__PURE__ */ a3("thead", { children: /* @__PURE__ */ a3("tr", { children: heads.map((h4, i5) => /* @__PURE__ */ a3("th", { class: kind2(i5), children: h4 }, h4)) }) }),
    /* @__PURE__ */ a3("tbody", { children: rows.map((r4) => /* @__PURE__ */ a3("tr", { children: r4.cells.map((c5, i5) => /* @__PURE__ */ a3("td", { class: kind2(i5), children: c5 }, i5)) }, r4.key)) })
  ] }) });
}

// src/parts/Palette.tsx
init_src2();
init_api();
init_format();
init_hindered();
init_live();
init_router();
init_runactions();
init_Dialog();

// src/parts/StartDialog.tsx
init_src2();
init_api();
init_format();
init_jsontext();
init_router();
init_Dialog();
init_src3();
function StartDialog({ onClose, name = "", input = "" }) {
  const info = useInfo();
  const [form2, setForm] = d2({ name, id: "", input, version: "", tags: "", at: "", policy: "" });
  const [error, setError] = d2();
  const [busy, setBusy] = d2(false);
  const [key2] = d2(() => crypto.randomUUID());
  const tags = tagsOf(form2.tags);
  const at = form2.at ? /* @__PURE__ */ new Date(form2.at + (utc.value ? "Z" : "")) : void 0;
  const plain = isPlain(form2.input);
  const bad = plain ? void 0 : jsonError(form2.input);
  const names2 = (info.data?.orchestrations ?? []).filter((n4) => !n4.startsWith("perdure."));
  const [listed, setListed] = d2(true);
  const named = form2.name || (listed ? names2[0] ?? "" : "");
  return /* @__PURE__ */ a3(Dialog, { title: "Start a run", onClose, children: /* @__PURE__ */ a3(
    "form",
    {
      onSubmit: (e5) => {
        e5.preventDefault();
        if (bad || busy || typeof tags === "string") {
          return;
        }
        setBusy(true);
        const body = {
          name: named,
          ...form2.id ? { id: form2.id } : {},
          ...form2.id && form2.policy ? { id_policy: form2.policy } : {},
          ...form2.version.trim() ? { version: form2.version.trim() } : {},
          ...Object.keys(tags).length > 0 ? { tags } : {},
          ...at ? { start_at: at.toISOString() } : {},
          ...form2.input.trim() ? { input: plain ? form2.input.trim() : JSON.parse(form2.input) } : {}
        };
        post("runs", body, key2).then(
          (s5) => {
            onClose();
            go(links.run(s5.id));
          },
          (x5) => {
            setBusy(false);
            setError(x5 instanceof ProblemError ? `${x5.message} ${x5.hint}` : String(x5));
          }
        );
      },
      children: [
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Orchestration",
          listed && (names2.length > 0 || info.loading) ? /* @__PURE__ */ a3("select", { value: named, onChange: (e5) => e5.currentTarget.value === "" ? setListed(false) : setForm({ ...form2, name: e5.currentTarget.value }), children: [
            named !== "" && !names2.includes(named) && /* @__PURE__ */ a3("option", { value: named, children: named }),
            names2.map((n4) => /* @__PURE__ */ a3("option", { value: n4, children: n4 }, n4)),
            /* @__PURE__ */ a3("option", { value: "", children: "Another name…" })
          ] }) : /* @__PURE__ */ a3("input", { required: true, value: form2.name, placeholder: "Name", onInput: (e5) => setForm({ ...form2, name: e5.currentTarget.value }) })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Id ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "made up if empty" }),
          /* @__PURE__ */ a3("input", { value: form2.id, onInput: (e5) => setForm({ ...form2, id: e5.currentTarget.value }) })
        ] }),
        /* @__PURE__ */ a3("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ a3("span", { class: "dim", children: "JSON, or plain text" }),
          /* @__PURE__ */ a3("textarea", { rows: 6, spellcheck: false, class: "mono", "aria-invalid": bad !== void 0, value: form2.input, onInput: (e5) => setForm({ ...form2, input: e5.currentTarget.value }) })
        ] }),
        /* @__PURE__ */ a3("details", { class: "start-more", children: [
          /* @__PURE__ */ a3("summary", { children: "Tags, version, time, what happens if the id exists" }),
          /* @__PURE__ */ a3("label", { class: "field", children: [
            "Tags ",
            /* @__PURE__ */ a3("span", { class: "dim", children: "key=value, one in a line" }),
            /* @__PURE__ */ a3("textarea", { rows: 2, spellcheck: false, class: "mono", "aria-invalid": typeof tags === "string", value: form2.tags, onInput: (e5) => setForm({ ...form2, tags: e5.currentTarget.value }) }),
            typeof tags === "string" && /* @__PURE__ */ a3("span", { class: "field-error", role: "alert", children: tags })
          ] }),
          /* @__PURE__ */ a3("label", { class: "field", children: [
            "Version ",
            /* @__PURE__ */ a3("span", { class: "dim", children: "of its code, to which it is pinned; empty = none" }),
            /* @__PURE__ */ a3("input", { value: form2.version, onInput: (e5) => setForm({ ...form2, version: e5.currentTarget.value }) })
          ] }),
          /* @__PURE__ */ a3("label", { class: "field", children: [
            "Begin at ",
            /* @__PURE__ */ a3("span", { class: "dim", children: [
              utc.value ? "UTC" : "local time",
              "; empty = at once"
            ] }),
            /* @__PURE__ */ a3("input", { type: "datetime-local", value: form2.at, onInput: (e5) => setForm({ ...form2, at: e5.currentTarget.value }) })
          ] }),
          /* @__PURE__ */ a3("label", { class: "field", children: [
            "If the id exists ",
            form2.id === "" && /* @__PURE__ */ a3("span", { class: "dim", children: "needs an id" }),
            /* @__PURE__ */ a3("select", { value: form2.policy, disabled: form2.id === "", onChange: (e5) => setForm({ ...form2, policy: e5.currentTarget.value }), children: [
              /* @__PURE__ */ a3("option", { value: "", children: "Refuse" }),
              /* @__PURE__ */ a3("option", { value: "get", children: "Leave the run alone, and show it" }),
              /* @__PURE__ */ a3("option", { value: "replace_ended", children: "Replace it if it has ended" }),
              /* @__PURE__ */ a3("option", { value: "replace_failed", children: "Replace it if it has failed or was stopped" })
            ] })
          ] })
        ] }),
        plain && /* @__PURE__ */ a3("p", { class: "dim", children: [
          "It is no JSON, and goes as the text “",
          form2.input.trim(),
          "”."
        ] }),
        (bad ?? error) && /* @__PURE__ */ a3("p", { class: "problem", role: "alert", children: [
          bad ?? error,
          bad && /* @__PURE__ */ a3("button", { type: "button", onClick: () => setForm({ ...form2, input: JSON.stringify(form2.input) }), children: "Take it as text" })
        ] }),
        /* @__PURE__ */ a3("div", { class: "row end", children: [
          /* @__PURE__ */ a3("button", { type: "button", onClick: onClose, children: "Cancel" }),
          /* @__PURE__ */ a3("button", { type: "submit", class: "primary", disabled: bad !== void 0 || busy || typeof tags === "string", children: busy ? "Starting…" : "Start" })
        ] })
      ]
    }
  ) });
}
function tagsOf(text) {
  const tags = {};
  for (const [i5, line] of text.split("\n").entries()) {
    const at = line.indexOf("=");
    if (line.trim() === "") {
      continue;
    }
    if (at < 1) {
      return `Line ${i5 + 1}: a tag is key=value`;
    }
    tags[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return tags;
}

// src/parts/Palette.tsx
init_src3();
var Acts2 = lazily(() => Promise.resolve().then(() => (init_acts(), acts_exports)).then((m5) => m5.Acts));
var most3 = 24;
var places = [
  ["Overview", ""],
  ["Inbox", "inbox"],
  ["Runs", "runs"],
  ["Agents", "agents"],
  ["Entities", "entities"],
  ["Workers", "workers"],
  ["Charts", "charts"],
  ["Settings", "settings"]
];
function Palette({ onHelp }) {
  const [open2, setOpen] = d2(false);
  const [then, setThen] = d2();
  useKeys({
    "Mod-k": (e5) => {
      e5.preventDefault();
      setOpen(true);
    }
  });
  const close = () => setThen(void 0);
  return /* @__PURE__ */ a3($, { children: [
    open2 && /* @__PURE__ */ a3(Search, { onClose: () => setOpen(false), onThen: setThen, onHelp }),
    then && "start" in then && /* @__PURE__ */ a3(StartDialog, { onClose: close }),
    then && "act" in then && /* @__PURE__ */ a3(Acts2, { asked: { id: then.run, action: then.act, at: { x: innerWidth / 3, y: 120 } }, onBack: () => void 0, onClose: close, onDone: close, onPurged: () => (close(), go("runs")) })
  ] });
}
function useActs(onThen, onHelp) {
  const id = match("runs/:id", route.value)?.["id"];
  const run = useQuery(id === void 0 ? void 0 : path`runs/${id}`).data;
  const off = hindered();
  const legal = off === "" && run ? runActions.filter(([a5]) => run.actions.includes(a5)) : [];
  return [
    ...legal.map(([act, label]) => ({ title: label, hint: "this run", run: () => onThen({ act, run: run?.id ?? "" }) })),
    ...off === "" ? [{ title: "Start a run…", hint: "action", run: () => onThen({ start: true }) }] : [],
    ...["light", "dark", "system"].map((t4) => ({ title: `Theme: ${t4}`, hint: "action", run: () => setTheme(t4) })),
    { title: utc.value ? "Times in local time" : "Times in UTC", hint: "action", run: () => chooseUTC(!utc.value) },
    paused.value ? { title: "Go on with what changes", hint: "action", run: unpause } : { title: "Pause what changes", hint: "action", run: () => void (paused.value = true) },
    { title: "Keys", hint: "action", run: onHelp }
  ];
}
function Search({ onClose, onThen, onHelp }) {
  const acts = useActs(onThen, onHelp);
  const [text, setText] = d2("");
  const [agents, setAgents] = d2([]);
  const [runs2, setRuns] = d2([]);
  const [at, setAt] = d2(0);
  const box = T2(null);
  A2(() => {
    box.current?.focus();
    get("agents").then(
      (a5) => setAgents(a5.items),
      () => void 0
    );
  }, []);
  A2(() => {
    if (text.length < 2) {
      setRuns([]);
      return void 0;
    }
    const stop = new AbortController();
    const timer2 = setTimeout(() => {
      get("runs" + query({ filter: JSON.stringify(text).replace(/^"|"$/g, "").includes(" ") ? JSON.stringify(text) : text, limit: 8 }), stop.signal).then(
        (p6) => setRuns(p6.items.map((r4) => ({ title: r4.name, hint: r4.id, run: () => go(links.run(r4.id)) }))),
        () => setRuns([])
      );
    }, 80);
    return () => {
      clearTimeout(timer2);
      stop.abort();
    };
  }, [text]);
  const has = (s5) => s5.toLowerCase().includes(text.toLowerCase());
  const entries2 = [
    ...acts.filter((a5) => has(a5.title) && text !== ""),
    ...places.filter(([t4]) => has(t4)).map(([t4, p6]) => ({ title: t4, hint: "page", run: () => go(p6) })),
    ...agents.filter((a5) => has(a5.name)).map((a5) => ({ title: a5.name, hint: "agent", run: () => go(links.agent(a5.name)) })),
    ...runs2,
    ...acts.filter(() => text === ""),
    ...text ? [{ title: `Runs that match ${text}`, hint: "filter", run: () => go(links.runs(text)) }] : []
  ];
  const chosen = Math.min(at, entries2.length - 1, most3 - 1);
  A2(() => document.getElementById("palette-" + chosen)?.scrollIntoView({ block: "nearest" }), [chosen]);
  const choose = (e5) => {
    if (e5) {
      onClose();
      e5.run();
    }
  };
  return /* @__PURE__ */ a3(Dialog, { title: "Go to, or do", onClose, children: [
    /* @__PURE__ */ a3(
      "input",
      {
        ref: box,
        role: "combobox",
        "aria-expanded": "true",
        "aria-controls": "palette",
        "aria-activedescendant": chosen >= 0 ? "palette-" + chosen : void 0,
        "aria-label": "Page, agent, run or action",
        placeholder: "A page, an agent, a run, an action…",
        value: text,
        onInput: (e5) => {
          setText(e5.currentTarget.value);
          setAt(0);
        },
        onKeyDown: (e5) => {
          const step = e5.key === "ArrowDown" ? 1 : e5.key === "ArrowUp" ? -1 : 0;
          if (step) {
            e5.preventDefault();
            const n4 = Math.max(1, Math.min(most3, entries2.length));
            setAt((chosen + step + n4) % n4);
          } else if (e5.key === "Enter") {
            e5.preventDefault();
            choose(entries2[chosen]);
          }
        }
      }
    ),
    /* @__PURE__ */ a3("ul", { class: "palette", role: "listbox", id: "palette", "aria-label": "Places and actions", children: entries2.slice(0, most3).map((e5, i5) => /* @__PURE__ */ a3("li", { role: "option", id: "palette-" + i5, "aria-selected": i5 === chosen, onClick: () => choose(e5), children: [
      /* @__PURE__ */ a3("span", { children: e5.title }),
      /* @__PURE__ */ a3("span", { class: "dim", children: e5.hint })
    ] }, e5.title + e5.hint)) })
  ] });
}

// src/parts/Problem.tsx
init_src3();
function Problem({ error, retry }) {
  return /* @__PURE__ */ a3("div", { class: "problem", role: "alert", children: [
    /* @__PURE__ */ a3("strong", { children: error.message }),
    error.hint && /* @__PURE__ */ a3("p", { children: error.hint }),
    retry && /* @__PURE__ */ a3("button", { type: "button", onClick: retry, children: "Try again" })
  ] });
}

// src/parts/Rail.tsx
init_src2();
init_api();
init_format();
init_live();
init_router();
init_Menu();
init_src3();
var entries = [
  ["", "Overview", "◉"],
  ["inbox", "Inbox", "◆"],
  ["runs", "Runs", "≡"],
  ["agents", "Agents", "✦"],
  ["entities", "Entities", "▣"],
  ["workers", "Workers", "⚙"],
  ["charts", "Charts", "∿"]
];
function Rail({ at, onHelp }) {
  const info = useInfo();
  const [inbox, setInbox] = d2(0);
  const [events, setEvents] = d2(0);
  const [active, setActive] = d2(0);
  const before2 = T2([]);
  const [agents, setAgents] = d2(false);
  const refresh2 = () => {
    get("decisions?state=pending&limit=100").then(
      (d5) => (setInbox(d5.items.length), setAgents(true)),
      () => void 0
    );
  };
  const refreshEvents = () => {
    get("runs?limit=100&filter=phase:waiting_event&fields=phase,wait_name,agent").then(
      (p6) => setEvents(p6.items.filter(waitsForPerson).length),
      () => void 0
    );
  };
  const rereadEvents = useSlowly(refreshEvents);
  A2(refresh2, []);
  useTopic(agents ? "inbox" : void 0, void 0, refresh2);
  useTopic("counts", void 0, (events2) => {
    const last4 = events2.at(-1);
    if (last4?.kind === "counts") {
      const items = last4.data.items;
      setActive(items.filter((c5) => ["pending", "running", "suspended"].includes(c5.status ?? "")).reduce((n4, c5) => n4 + c5.count, 0));
      if (runsOf(items, "phase", "waiting_event") > 0) {
        rereadEvents(muchHappens(before2.current, items));
      } else {
        setEvents(0);
      }
      before2.current = items;
    }
  });
  const counts = { inbox: inbox + events, runs: active };
  return /* @__PURE__ */ a3("nav", { class: "rail", "aria-label": "Pages", children: [
    /* @__PURE__ */ a3("a", { class: "brand", href: ".", children: [
      /* @__PURE__ */ a3("span", { "aria-hidden": "true", class: "mark", children: "P" }),
      /* @__PURE__ */ a3("span", { class: "word", children: "Perdure" })
    ] }),
    /* @__PURE__ */ a3("ul", { children: entries.map(([path2, title2, icon]) => {
      const here = path2 === "" ? at === "" : at === path2 || at.startsWith(path2 + "/");
      const n4 = counts[path2] ?? 0;
      return /* @__PURE__ */ a3("li", { children: /* @__PURE__ */ a3("a", { href: path2 || ".", "aria-current": here ? "page" : void 0, title: title2, children: [
        /* @__PURE__ */ a3("span", { class: "icon", "aria-hidden": "true", children: icon }),
        /* @__PURE__ */ a3("span", { class: "word", children: title2 }),
        n4 > 0 && /* @__PURE__ */ a3("span", { class: "badge" + (path2 === "inbox" ? " hot" : ""), "aria-label": `${n4} ${path2 === "inbox" ? "things wait for you" : "in flight"}`, children: n4 > 99 ? "99+" : n4 })
      ] }) }, path2);
    }) }),
    /* @__PURE__ */ a3("div", { class: "rail-foot", children: [
      /* @__PURE__ */ a3(Live, {}),
      /* @__PURE__ */ a3(More, { onHelp }),
      /* @__PURE__ */ a3("button", { type: "button", class: "quiet wide-only", onClick: () => chooseUTC(!utc.value), "aria-pressed": utc.value, title: "Times in UTC or local", children: utc.value ? "UTC" : "Local" }),
      /* @__PURE__ */ a3("span", { class: "wide-only", children: /* @__PURE__ */ a3(ThemeButton, {}) }),
      /* @__PURE__ */ a3("button", { type: "button", class: "quiet wide-only", onClick: onHelp, title: "Keys (?)", "aria-label": "Help", children: "?" }),
      /* @__PURE__ */ a3("a", { href: "settings", class: "settings-link wide-only", "aria-current": at === "settings" ? "page" : void 0, children: "Settings" }),
      info.data && /* @__PURE__ */ a3("small", { class: "dim word", title: info.data.version, children: [
        info.data.hub,
        " · ",
        info.data.store ?? ""
      ] })
    ] })
  ] });
}
function Live() {
  const state = paused.value ? "paused" : linkState.value;
  const toggle = () => paused.value ? unpause() : paused.value = true;
  useKeys({ L: toggle });
  const words = { live: "Live", paused: "Paused", reconnecting: "Reconnecting", offline: "Offline", connecting: "Connecting" };
  return /* @__PURE__ */ a3("button", { type: "button", class: "quiet live-" + state, onClick: toggle, title: "Pause or go on (L)", children: [
    /* @__PURE__ */ a3("span", { "aria-hidden": "true", class: "dot" }),
    /* @__PURE__ */ a3("span", { class: "word", children: words[state] })
  ] });
}
function ThemeButton() {
  const icons = { system: "◐", light: "☀", dark: "☾" };
  return /* @__PURE__ */ a3("button", { type: "button", class: "quiet", title: `Theme: ${theme.value}`, "aria-label": `Theme: ${theme.value}`, onClick: () => setTheme(nextTheme[theme.value]), children: icons[theme.value] });
}
function More({ onHelp }) {
  return /* @__PURE__ */ a3("div", { class: "rail-more", children: /* @__PURE__ */ a3(
    Menu,
    {
      label: "More",
      items: [
        { label: "Settings", run: () => go("settings") },
        { label: utc.value ? "Times in local time" : "Times in UTC", run: () => chooseUTC(!utc.value) },
        { label: `Theme: ${nextTheme[theme.value]}`, run: () => setTheme(nextTheme[theme.value]) },
        { label: "Keys", run: onHelp }
      ],
      children: "⋯"
    }
  ) });
}

// src/parts/Status.tsx
init_src3();
function Status({ state, word: word3 }) {
  const l5 = look(state);
  return /* @__PURE__ */ a3("span", { class: "status tone-" + l5.tone, children: [
    /* @__PURE__ */ a3("span", { class: "icon", "aria-hidden": "true", children: l5.icon }),
    /* @__PURE__ */ a3("span", { children: word3 ?? l5.word })
  ] });
}

// src/parts/RunState.tsx
init_src3();
function RunState({ run }) {
  const told = isActive(run) ? overlays.value.get(run.id) : void 0;
  return /* @__PURE__ */ a3(Status, { state: told?.state ?? stateOf(run), word: waitWord(run) });
}
function waitWord(run) {
  if (run.status !== "running" || run.phase !== "waiting_event" || run.wait_name) {
    return void 0;
  }
  return run.pending_counts?.children ? "Waiting for child" : run.pending_counts?.entities ? "Waiting for entity" : void 0;
}
function RunWorker({ run }) {
  const told = isActive(run) ? overlays.value.get(run.id) : void 0;
  const worker = told?.worker ?? run.worker_id;
  return worker ? /* @__PURE__ */ a3("span", { class: told?.worker ? "" : "dim", title: told?.worker ? `${worker} executes it` : `${worker} was the last`, children: worker }) : null;
}

// src/parts/Share.tsx
init_src2();
init_Announcer();
init_Menu();
init_src3();
function Share({ what, link: link2, id, command, json }) {
  const [at, setAt] = d2();
  const [done, setDone] = d2(false);
  const box = T2(null);
  const copy = (label, text) => ({
    label,
    run: () => navigator.clipboard.writeText(text()).then(
      () => {
        setDone(true);
        announce("Copied");
        setTimeout(() => setDone(false), 1200);
      },
      () => announce("The browser does not let this page copy")
    )
  });
  const items = [copy("Copy link", () => link2 === void 0 ? location.href : new URL(link2, document.baseURI).href)];
  if (id !== void 0) {
    items.push(copy("Copy id", () => id));
  }
  if (command) {
    items.push(copy("Copy as CLI command", () => commandOf(command[0], command[1] ?? [], hubFlag(), command[2])));
  }
  if (json) {
    items.push({ label: "Download JSON", run: () => download(json.path, json.file) });
  }
  return /* @__PURE__ */ a3("span", { class: "share", ref: box, children: [
    /* @__PURE__ */ a3(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-haspopup": "menu",
        "aria-expanded": at !== void 0,
        "aria-label": `Copy or download the ${what}`,
        title: "Link, id, command, JSON",
        onClick: (e5) => {
          const r4 = e5.currentTarget.getBoundingClientRect();
          setAt(at ? void 0 : { x: r4.left, y: r4.bottom + 4 });
        },
        children: done ? "✓" : /* @__PURE__ */ a3(CopyIcon, {})
      }
    ),
    at && /* @__PURE__ */ a3(
      MenuList,
      {
        label: `Copy or download the ${what}`,
        items,
        at,
        within: box,
        onClose: (why) => {
          setAt(void 0);
          if (why !== "away") {
            box.current?.querySelector("button")?.focus();
          }
        }
      }
    )
  ] });
}
function download(path2, file) {
  const a5 = document.createElement("a");
  a5.href = "api/v1/" + path2;
  a5.download = file.replace(/[^\w.-]+/g, "-");
  a5.click();
}

// src/parts/Table.tsx
init_src2();
init_src3();
var rowHeight = 28;
var around = 20;
function Table({ label, columns, rows, id, open: open2, total, selected, select, keys: keys2 = {}, rowClass, sort, onSort, onEdge, onSeen }) {
  const box = T2(null);
  const [focused, paintFocused] = d2({ n: -1, id: "" });
  const found = focused.n < 0 ? -1 : rows.findIndex((r4) => id(r4) === focused.id);
  const at = found >= 0 ? found : Math.min(focused.n, rows.length - 1);
  const cursor = T2(-1);
  cursor.current = at;
  const setAt = (n4) => {
    const row = rows[n4];
    cursor.current = n4;
    paintFocused({ n: n4, id: row === void 0 ? "" : id(row) });
  };
  const [seen, setSeen] = d2([0, 80]);
  const look2 = () => {
    const b5 = box.current;
    if (!b5) {
      return;
    }
    const from2 = Math.max(0, Math.floor(b5.scrollTop / rowHeight) - around);
    const to2 = Math.ceil((b5.scrollTop + b5.clientHeight) / rowHeight) + around;
    setSeen((s5) => s5[0] === from2 && s5[1] === to2 ? s5 : [from2, to2]);
    if (to2 >= rows.length) {
      onEdge?.("end");
    }
    if (from2 === 0 && b5.scrollTop > 0) {
      onEdge?.("start");
    }
  };
  A2(look2, [rows.length]);
  const [place] = d2(() => history.state?.[label]);
  const back = T2(place === void 0);
  F2(() => {
    if (back.current || rows.length === 0) {
      return;
    }
    back.current = true;
    const n4 = rows.findIndex((r4) => id(r4) === place?.row);
    if (n4 >= 0 && box.current) {
      box.current.scrollTop = place?.top ?? 0;
      move(n4, document.activeElement === document.body);
    }
  });
  const keep = (row) => history.replaceState({ ...history.state, [label]: { row: id(row), top: box.current?.scrollTop ?? 0 } }, "");
  const leave = (row) => {
    keep(row);
    open2?.(row);
  };
  A2(() => {
    addEventListener("resize", look2);
    return () => removeEventListener("resize", look2);
  }, []);
  const move = (to2, focus = true) => {
    const n4 = Math.max(0, Math.min(rows.length - 1, to2));
    setAt(n4);
    const b5 = box.current;
    if (b5) {
      const top = n4 * rowHeight;
      if (top < b5.scrollTop) {
        b5.scrollTop = top;
      } else if (top + 3 * rowHeight > b5.scrollTop + b5.clientHeight) {
        b5.scrollTop = top + 3 * rowHeight - b5.clientHeight;
      }
      look2();
      if (focus) {
        requestAnimationFrame(() => b5.querySelector(`[data-row="${n4}"]`)?.focus({ preventScroll: true }));
      }
    }
  };
  const anchor = T2(void 0);
  const toggle = (row, range = false) => {
    if (!row || !select) {
      return;
    }
    const next = new Set(selected);
    const from2 = range ? rows.findIndex((r4) => id(r4) === anchor.current) : -1;
    const to2 = rows.indexOf(row);
    if (from2 >= 0) {
      rows.slice(Math.min(from2, to2), Math.max(from2, to2) + 1).forEach((r4) => next.add(id(r4)));
    } else if (!next.delete(id(row))) {
      next.add(id(row));
    }
    anchor.current = id(row);
    select(next);
  };
  const all = rows.length > 0 && rows.every((r4) => selected?.has(id(r4)));
  const withRow = (f5) => (e5) => {
    const row = rows[cursor.current];
    if (row) {
      e5.preventDefault();
      f5(row, e5);
    }
  };
  useKeys({
    ...Object.fromEntries(Object.entries(keys2).map(([k5, f5]) => [k5, withRow(f5)])),
    j: () => move(cursor.current + 1),
    k: () => move(cursor.current - 1),
    Enter: () => {
      const row = rows[cursor.current];
      const focused2 = document.activeElement;
      if (row && (focused2 === document.body || box.current?.contains(focused2) && !focused2?.matches("button, input"))) {
        leave(row);
      }
    },
    x: () => toggle(rows[cursor.current]),
    X: () => toggle(rows[cursor.current], true)
  });
  const key2 = (e5) => {
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / rowHeight) - 2);
    const at2 = cursor.current;
    const to2 = { ArrowDown: at2 + 1, ArrowUp: at2 - 1, PageDown: at2 + page, PageUp: at2 - page, Home: 0, End: rows.length - 1 }[e5.key];
    if (to2 !== void 0) {
      e5.preventDefault();
      move(to2);
    }
  };
  const [from, to] = [Math.min(seen[0], rows.length), Math.min(seen[1], rows.length)];
  A2(() => onSeen?.(from, to), [from, to]);
  return /* @__PURE__ */ a3("div", { class: "table", ref: box, onScroll: look2, onKeyDown: key2, role: "grid", "aria-label": label, "aria-rowcount": (total ?? rows.length) + 1, tabIndex: at < 0 ? 0 : -1, onFocus: (e5) => e5.target === box.current && rows.length > 0 && move(0), children: [
    /* @__PURE__ */ a3("div", { class: "tr head", role: "row", "aria-rowindex": 1, children: [
      select && /* @__PURE__ */ a3("span", { class: "td check", role: "columnheader", children: /* @__PURE__ */ a3("input", { type: "checkbox", tabIndex: -1, checked: all, "aria-label": "Select all that are shown", onChange: () => select(new Set(all ? [] : rows.map(id))) }) }),
      columns.map((c5) => /* @__PURE__ */ a3("span", { class: "td " + (c5.class ?? ""), role: "columnheader", "aria-sort": c5.sort && sort === c5.sort ? "ascending" : c5.sort && sort === "-" + c5.sort ? "descending" : void 0, children: c5.sort && onSort ? /* @__PURE__ */ a3("button", { type: "button", class: "sort", onClick: () => onSort(sort === "-" + c5.sort ? c5.sort : "-" + c5.sort), children: [
        c5.title,
        /* @__PURE__ */ a3("span", { "aria-hidden": "true", children: sort === c5.sort ? " ↑" : sort === "-" + c5.sort ? " ↓" : "" })
      ] }) : c5.quiet ? /* @__PURE__ */ a3("span", { class: "hidden-text", children: c5.title }) : c5.title }, c5.id))
    ] }),
    /* @__PURE__ */ a3(Space, { rows: from }),
    rows.slice(from, to).map((row, i5) => {
      const n4 = from + i5;
      const marked = selected?.has(id(row)) ?? false;
      return /* @__PURE__ */ a3(
        "div",
        {
          class: "tr" + (n4 === at ? " at" : "") + (marked ? " marked" : "") + (rowClass ? " " + rowClass(row) : ""),
          role: "row",
          "data-row": n4,
          "data-id": id(row),
          "aria-rowindex": n4 + 2,
          "aria-selected": select ? marked : void 0,
          tabIndex: n4 === at ? 0 : -1,
          onFocus: () => setAt(n4),
          onClick: (e5) => {
            if (e5.target.closest("a")) {
              keep(row);
            } else if (!e5.target.closest("button, input") && !String(getSelection() ?? "")) {
              leave(row);
            }
          },
          children: [
            select && /* @__PURE__ */ a3("span", { class: "td check", role: "gridcell", children: /* @__PURE__ */ a3("input", { type: "checkbox", tabIndex: -1, checked: marked, "aria-label": "Select", onClick: (e5) => toggle(row, e5.shiftKey) }) }),
            columns.map((c5) => /* @__PURE__ */ a3("span", { class: "td " + (c5.class ?? ""), role: "gridcell", children: c5.cell(row) }, c5.id))
          ]
        },
        id(row)
      );
    }),
    /* @__PURE__ */ a3(Space, { rows: rows.length - to })
  ] });
}
function Space({ rows }) {
  const box = T2(null);
  A2(() => {
    if (box.current) {
      box.current.style.height = `${rows * rowHeight}px`;
    }
  }, [rows]);
  return /* @__PURE__ */ a3("div", { ref: box, "aria-hidden": "true" });
}

// src/parts/Tabs.tsx
init_src2();
init_router();
init_src3();
function Tabs({ tabs, label }) {
  const bar = T2(null);
  const chosen = tabs.find((t4) => t4.id === param("tab")) ?? tabs[0];
  const choose = (t4) => t4 && setParams({ tab: t4 === tabs[0] ? void 0 : t4.id });
  useKeys(Object.fromEntries(tabs.slice(0, 9).map((t4, i5) => [String(i5 + 1), () => choose(t4)])));
  if (!chosen) {
    return null;
  }
  const move = (e5) => {
    const step = e5.key === "ArrowRight" ? 1 : e5.key === "ArrowLeft" ? -1 : 0;
    if (step) {
      e5.preventDefault();
      const at = (tabs.indexOf(chosen) + step + tabs.length) % tabs.length;
      choose(tabs[at]);
      bar.current?.querySelectorAll("[role=tab]")[at]?.focus();
    }
  };
  return /* @__PURE__ */ a3($, { children: [
    /* @__PURE__ */ a3("div", { class: "tabs", role: "tablist", "aria-label": label, ref: bar, onKeyDown: move, children: tabs.map((t4) => /* @__PURE__ */ a3(
      "button",
      {
        type: "button",
        role: "tab",
        id: "tab-" + t4.id,
        "aria-selected": t4 === chosen,
        "aria-controls": "tab-panel",
        tabIndex: t4 === chosen ? 0 : -1,
        onClick: () => choose(t4),
        children: [
          t4.title,
          t4.count !== void 0 && /* @__PURE__ */ a3("span", { class: "badge", children: t4.count })
        ]
      },
      t4.id
    )) }),
    /* @__PURE__ */ a3("div", { id: "tab-panel", class: "tab-panel", role: "tabpanel", "aria-labelledby": "tab-" + chosen.id, tabIndex: 0, children: chosen.panel() })
  ] });
}
export {
  Announcer,
  Arguments,
  Backlog,
  Command,
  x as Component,
  Connection,
  Copy,
  CopyIcon,
  Deadline,
  Decide,
  Dialog,
  Duration,
  Empty,
  Exchange,
  $ as Fragment,
  GoneError,
  Help,
  JsonView,
  Login,
  Menu,
  MenuList,
  NumberTable,
  Palette,
  Payload,
  Problem,
  ProblemError,
  Rail,
  RunState,
  RunWorker,
  Share,
  y3 as Signal,
  StartDialog,
  Status,
  Table,
  Tabs,
  Time,
  Visible,
  absolute,
  E3 as action,
  address,
  announce,
  applyFrames,
  askText,
  n3 as batch,
  below,
  bytes,
  call,
  cameFrom,
  choicesOf,
  chooseLetters,
  chooseTheme,
  chooseUTC,
  clock,
  b as cloneElement,
  commandOf,
  O3 as computed,
  cost,
  count,
  U as createContext,
  k as createElement,
  k3 as createModel,
  X as createPortal,
  M as createRef,
  decidersText,
  doneText,
  duration,
  x3 as effect,
  emptyTurn,
  ended,
  escaped,
  eventReader,
  followTurn,
  get,
  go,
  k as h,
  heldParam,
  hindered,
  hubFlag,
  R as hydrate,
  initialTheme,
  isActive,
  isPlain,
  isStuck,
  r as isValidElement,
  itemsOf,
  jsonError,
  a3 as jsx,
  p3 as jsxAttr,
  a3 as jsxDEV,
  s3 as jsxEscape,
  i3 as jsxTemplate,
  a3 as jsxs,
  keyedAnswer,
  kindText,
  lazily,
  led,
  lettersOn,
  linkState,
  links,
  look,
  markOf,
  match,
  muchHappens,
  nameOf,
  newer,
  nextTheme,
  now,
  n as options,
  overlays,
  param,
  parseJson,
  partEnd,
  partSize,
  path,
  pause,
  paused,
  pieces,
  plotHeight,
  plotPath,
  plotWidth,
  post,
  pretty,
  previewBatch,
  query,
  randomKey,
  read,
  readOnly,
  refresh,
  refusalsText,
  refusedWhy,
  relative,
  remove,
  Q as render,
  roof,
  route,
  runActions,
  runBatch,
  runsOf,
  setParams,
  setTheme,
  shortened,
  a4 as signal,
  sizeText,
  startRouter,
  stateOf,
  theme,
  timeoutText,
  O as toChildArray,
  unpause,
  f4 as untracked,
  b2 as useCallback,
  useComputed,
  j2 as useContext,
  x2 as useDebugValue,
  A2 as useEffect,
  O2 as useErrorBoundary,
  P2 as useId,
  q2 as useImperativeHandle,
  useInfo,
  useKeys,
  F2 as useLayoutEffect,
  w2 as useMemo,
  R2 as useModel,
  useOverlays,
  useQuery,
  _2 as useReducer,
  T2 as useRef,
  useSignal,
  useSignalEffect,
  useSlowly,
  d2 as useState,
  useTopic,
  utc,
  waitsForPerson,
  wantsLogin,
  whyText,
  word,
  write
};
