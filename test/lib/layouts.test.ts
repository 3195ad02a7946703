// Pages laid out as well-known generators lay them out, written after their templates: what clean must find without knowing any.
import type { Page } from '../../contracts/records';
import { renderBlocks } from '../../lib/blocks';
import { cleanText } from '../../lib/clean';

const FIRST = 'The widget reads its settings from a file and turns the handle as often as the file says.';
const SECOND = 'Call it once before the first turn, since the handle does not move on its own.';
const CODE = 'widget turn --times 3\n  # twice more';
const escaped = CODE.replace('#', '&#35;');
const LINKS = ['Quick start', 'Guides for everyone', 'Reference manual', 'Release notes', 'Community forum'];
const links = LINKS.map((text) => `<a href="/${text.replaceAll(' ', '-')}">${text}</a>`);
const items = (mark = ''): string => links.map((link) => `<li class="${mark}">${link}</li>`).join('');
const toc = '<a href="#turning">Turning widgets</a>';

const LAYOUTS: Record<string, string> = {
  Docusaurus: `<div id="__docusaurus"><div role="region" aria-label="Skip to main content"><a class="skipToContent_x" href="#__docusaurus_skipToContent_fallback">Skip to main content</a></div>
    <nav aria-label="Main" class="navbar navbar--fixed-top"><div class="navbar__inner"><div class="navbar__items">${links.join('')}</div></div></nav>
    <div id="__docusaurus_skipToContent_fallback" class="main-wrapper"><div class="docsWrapper_x"><button aria-label="Scroll back to top" class="theme-back-to-top-button"></button><div class="docRoot_x">
    <aside class="theme-doc-sidebar-container"><nav aria-label="Docs sidebar" class="menu thin-scrollbar"><ul class="theme-doc-sidebar-menu menu__list">${items('menu__list-item')}</ul></nav></aside>
    <main class="docMainContainer_x"><div class="container"><div class="row"><div class="col docItemCol_x"><div class="docItemContainer_x"><article><nav class="theme-doc-breadcrumbs" aria-label="Breadcrumbs"><ul class="breadcrumbs"><li class="breadcrumbs__item"><span class="breadcrumbs__link">Guides for everyone</span></li></ul></nav>
    <div class="theme-doc-markdown markdown"><header><h1>Widgets</h1></header><p>${FIRST}</p><h2 class="anchor" id="turning">Turning widgets<a href="#turning" class="hash-link" aria-label="Direct link to Turning">&#8203;</a></h2><p>${SECOND}</p>
    <div class="language-bash codeBlockContainer_x theme-code-block"><div class="codeBlockContent_x"><pre tabindex="0" class="prism-code language-bash"><code class="codeBlockLines_x">${CODE.split(
      '\n',
    )
      .map((line) => `<span class="token-line">${line.replace('#', '&#35;')}<br></span>`)
      .join(
        '',
      )}</code></pre><div class="buttonGroup__x"><button type="button" aria-label="Copy code to clipboard">Copy</button></div></div></div></div>
    <footer class="theme-doc-footer docusaurus-mt-lg"><a href="https://x.test/edit" class="theme-edit-this-page">Edit this page</a><span class="theme-last-updated">Last updated on <b>Jan 1, 2026</b></span></footer></article>
    <nav class="pagination-nav docusaurus-mt-lg" aria-label="Docs pages"><a class="pagination-nav__link" href="/a"><div class="pagination-nav__sublabel">Previous</div><div class="pagination-nav__label">Release notes</div></a></nav></div></div>
    <div class="col col--3"><div class="tableOfContents_x thin-scrollbar theme-doc-toc-desktop"><ul class="table-of-contents"><li>${toc}</li></ul></div></div></div></div></main></div></div></div>
    <footer class="footer footer--dark"><div class="container"><div class="footer__copyright">Copyright © 2026 The Widget Project. Built with Docusaurus.</div></div></footer></div>`,
  VitePress: `<div id="app"><div class="Layout"><span tabindex="-1"></span><a href="#VPContent" class="VPSkipLink visually-hidden">Skip to content</a>
    <header class="VPNav"><div class="VPNavBar"><nav class="VPNavBarMenu menu">${links.join('')}</nav></div></header><div class="VPLocalNav"><button>Menu</button></div>
    <aside class="VPSidebar"><nav class="nav" id="VPSidebarNav"><div class="group">${links.map((link) => `<div class="VPSidebarItem"><p class="text">${link}</p></div>`).join('')}</div></nav></aside>
    <div class="VPContent has-sidebar" id="VPContent"><div class="VPDoc has-sidebar has-aside"><div class="container"><div class="aside"><div class="aside-container"><div class="aside-content"><div class="VPDocAside"><nav class="VPDocAsideOutline"><div class="outline-title" role="heading">On this page</div><ul><li>${toc}</li></ul></nav></div></div></div></div>
    <div class="content"><div class="content-container"><main class="main"><div class="vp-doc"><div><h1 id="widgets" tabindex="-1">Widgets <a class="header-anchor" href="#widgets" aria-label="Permalink">&#8203;</a></h1><p>${FIRST}</p><h2 id="turning">Turning widgets <a class="header-anchor" href="#turning">&#8203;</a></h2><p>${SECOND}</p>
    <div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki vp-code"><code><span class="line">${escaped.replace('\n', '</span>\n<span class="line">')}</span></code></pre></div></div></div></main>
    <footer class="VPDocFooter"><div class="edit-info"><a class="edit-link-button" href="https://x.test">Edit this page</a><p class="VPLastUpdated">Last updated: <time>1/1/2026</time></p></div><nav class="prev-next"><a href="/a"><span class="desc">Previous page</span><span class="title">Release notes</span></a></nav></footer></div></div></div></div></div></div></div>`,
  'MkDocs Material': `<body><div data-md-component="skip"><a href="#widgets" class="md-skip">Skip to content</a></div><header class="md-header"><nav class="md-header__inner md-grid"><div class="md-header__title"><span class="md-ellipsis">Widget Project</span></div></nav></header>
    <div class="md-container"><nav class="md-tabs"><ul class="md-tabs__list">${items('md-tabs__item')}</ul></nav><main class="md-main"><div class="md-main__inner md-grid"><div class="md-sidebar md-sidebar--primary"><div class="md-sidebar__scrollwrap"><nav class="md-nav md-nav--primary"><label class="md-nav__title">Widget Project</label><ul class="md-nav__list">${items('md-nav__item')}</ul></nav></div></div>
    <div class="md-sidebar md-sidebar--secondary"><nav class="md-nav md-nav--secondary" aria-label="Table of contents"><label class="md-nav__title">Table of contents</label><ul><li>${toc}</li></ul></nav></div>
    <div class="md-content"><article class="md-content__inner md-typeset"><a href="https://x.test/edit" title="Edit this page" class="md-content__button md-icon"></a><h1 id="widgets">Widgets<a class="headerlink" href="#widgets" title="Permanent link">&para;</a></h1><p>${FIRST}</p><h2 id="turning">Turning widgets<a class="headerlink" href="#turning">&para;</a></h2><p>${SECOND}</p>
    <div class="highlight"><table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre><span></span><span class="normal">1</span>\n<span class="normal">2</span></pre></div></td><td class="code"><div><pre><span></span><code>${escaped}\n</code></pre></div></td></tr></table></div>
    <aside class="md-source-file"><span class="md-source-file__fact">January 1, 2026</span></aside></article></div></div></main>
    <footer class="md-footer"><nav class="md-footer__inner"><a href="/a" class="md-footer__link">Release notes</a></nav><div class="md-footer-meta"><div class="md-copyright">Made with Material for MkDocs</div></div></footer></div></body>`,
  'Hugo Docsy': `<body class="td-page"><header><nav class="td-navbar"><ul class="navbar-nav">${items('nav-item')}</ul></nav></header><div class="container-fluid td-outer"><div class="td-main"><div class="row">
    <aside class="td-sidebar d-print-none"><div id="td-sidebar-menu"><nav class="td-sidebar-nav"><ul>${items()}</ul></nav></div></aside>
    <aside class="td-sidebar-toc d-print-none"><div class="td-page-meta"><a href="https://x.test" class="td-page-meta--view">View page source</a><a href="https://x.test" class="td-page-meta--issue">Create documentation issue</a></div><div class="td-toc"><nav id="TableOfContents"><ul><li>${toc}</li></ul></nav></div></aside>
    <main class="col-12" role="main"><nav aria-label="breadcrumb" class="td-breadcrumbs"><ol class="breadcrumb"><li class="breadcrumb-item">Guides for everyone</li></ol></nav><div class="td-content"><h1>Widgets</h1><p>${FIRST}</p><h2 id="turning">Turning widgets<a class="td-heading-self-link" href="#turning" aria-label="Heading self-link"></a></h2><p>${SECOND}</p><div class="highlight"><pre tabindex="0" class="chroma"><code class="language-sh" data-lang="sh"><span class="line"><span class="cl">${escaped.replace('\n', '\n</span></span><span class="line"><span class="cl">')}\n</span></span></code></pre></div>
    <div class="td-page-meta__lastmod">Last modified January 1, 2026: Update the text (1a2b3c)</div></div></main></div></div><footer class="td-footer"><span>© 2026 The Widget Authors All Rights Reserved</span></footer></div></body>`,
  'just-the-docs (Jekyll)': `<body><a class="skip-to-main" href="#main-content">Skip to main content</a><div class="side-bar"><div class="site-header" role="banner"><a href="/" class="site-title">Widget Project</a></div><nav aria-label="Main" id="site-nav" class="site-nav"><ul class="nav-list">${items('nav-list-item')}</ul></nav><footer class="site-footer">This site uses Just the Docs.</footer></div>
    <div class="main" id="top"><div id="main-header" class="main-header"><div class="search" role="search"></div></div><div class="main-content-wrap"><nav aria-label="Breadcrumb" class="breadcrumb-nav"><ol class="breadcrumb-nav-list"><li class="breadcrumb-nav-list-item">Guides for everyone</li></ol></nav><div id="main-content" class="main-content"><main><h1 id="widgets"><a href="#widgets" class="anchor-heading" aria-labelledby="widgets"></a> Widgets</h1><p>${FIRST}</p><h2 id="turning"><a href="#turning" class="anchor-heading"></a> Turning widgets</h2><p>${SECOND}</p><div class="language-sh highlighter-rouge"><div class="highlight"><pre class="highlight"><code>${escaped}\n</code></pre></div></div></main><hr><footer><p><a href="#top" id="back-to-top">Back to top</a></p><p class="text-small">Edit this page on GitHub.</p></footer></div></div></div></body>`,
  Furo: `<body><div class="page"><aside class="sidebar-drawer"><div class="sidebar-container"><div class="sidebar-sticky"><a class="sidebar-brand" href="/"><span class="sidebar-brand-text">Widget Project</span></a><div class="sidebar-scroll"><div class="sidebar-tree"><ul>${items('toctree-l1')}</ul></div></div></div></div></aside>
    <div class="main"><div class="content"><div class="article-container"><a href="#" class="back-to-top muted-link"><span>Back to top</span></a><div class="content-icon-container"><div class="view-this-page"><a class="muted-link" href="https://x.test" title="View this page"></a></div></div><article role="main" id="furo-main-content"><section id="widgets"><h1>Widgets<a class="headerlink" href="#widgets">¶</a></h1><p>${FIRST}</p><section id="turning"><h2>Turning widgets<a class="headerlink" href="#turning">¶</a></h2><p>${SECOND}</p><div class="highlight-sh notranslate"><div class="highlight"><pre><span></span>${escaped}\n</pre></div></div></section></section></article></div>
    <footer><div class="related-pages"><a class="next-page" href="/a"><div class="page-info"><div class="context"><span>Next</span></div><div class="title">Release notes</div></div></a></div><div class="bottom-of-page"><div class="left-details"><div class="copyright">Copyright &#169; 2026, Widget Project</div></div></div></footer></div>
    <aside class="toc-drawer"><div class="toc-sticky toc-scroll"><div class="toc-title-container"><span class="toc-title">On this page</span></div><div class="toc-tree-container"><div class="toc-tree"><ul><li>${toc}</li></ul></div></div></div></aside></div></div></body>`,
  MediaWiki: `<body class="mediawiki ltr"><div id="mw-page-base"></div><div id="content" class="mw-body" role="main"><a id="top"></a><h1 id="firstHeading" class="firstHeading"><span class="mw-page-title-main">Widgets</span></h1><div id="bodyContent" class="mw-body-content"><div id="siteSub" class="noprint">From Widget Wiki</div><div id="jump-to-nav"></div><a class="mw-jump-link" href="#mw-head">Jump to navigation</a><div id="mw-content-text"><div class="mw-parser-output"><p>${FIRST}</p>
    <div id="toc" class="toc" role="navigation"><div class="toctitle"><h2 id="mw-toc-heading">Contents</h2></div><ul><li class="toclevel-1"><a href="#turning"><span class="tocnumber">1</span> <span class="toctext">Turning widgets</span></a></li></ul></div>
    <h2><span class="mw-headline" id="turning">Turning widgets</span><span class="mw-editsection"><span class="mw-editsection-bracket">[</span><a href="/edit" title="Edit section">edit</a><span class="mw-editsection-bracket">]</span></span></h2><p>${SECOND}</p><div class="mw-highlight mw-highlight-lang-bash"><pre><span></span>${escaped}\n</pre></div></div><div class="printfooter">Retrieved from "<a href="https://x.test/w">https://x.test/w</a>"</div></div><div id="catlinks" class="catlinks"><div class="mw-normal-catlinks"><a href="/c">Categories</a>: <ul><li><a href="/c/w">Widget pages</a></li></ul></div></div></div></div>
    <div id="mw-navigation"><h2>Navigation menu</h2><div id="mw-head"><nav class="vector-menu" role="navigation"><ul>${items()}</ul></nav></div><div id="mw-panel"><nav class="portal" role="navigation"><ul>${items()}</ul></nav></div></div><footer id="footer" class="mw-footer" role="contentinfo"><ul id="footer-info"><li id="footer-info-lastmod"> This page was last edited on 1 January 2026, at 10:00.</li></ul></footer></body>`,
  'WordPress (block theme)': `<body class="wp-singular post-template-default"><a class="skip-link screen-reader-text" href="#wp--skip-link--target">Skip to content</a><div class="wp-site-blocks"><header class="wp-block-template-part"><div class="wp-block-group"><p class="wp-block-site-title"><a href="/">Widget Blog</a></p><nav class="wp-block-navigation"><ul class="wp-block-navigation__container">${items('wp-block-navigation-item')}</ul></nav></div></header>
    <main class="wp-block-group" id="wp--skip-link--target"><div class="wp-block-group"><h1 class="wp-block-post-title">Widgets</h1></div><div class="entry-content wp-block-post-content"><p>${FIRST}</p><h2 class="wp-block-heading" id="turning">Turning widgets</h2><p>${SECOND}</p><pre class="wp-block-code"><code>${escaped}</code></pre></div>
    <div class="wp-block-group"><nav class="wp-block-group" aria-label="Post navigation"><div class="post-navigation-link-previous wp-block-post-navigation-link"><a href="/a" rel="prev">Release notes</a></div></nav></div><div class="wp-block-comments"><h2 class="wp-block-comments-title">Comments</h2><form id="commentform" class="comment-form"><p class="comment-notes">Your email address will not be published.</p></form></div></main>
    <footer class="wp-block-template-part"><p>Proudly powered by WordPress</p></footer></div></body>`,
};

const page: Page = {
  schema: 1,
  id: '0'.repeat(64),
  url: 'https://x.test/',
  bodySha256: '0'.repeat(64),
  bodyBytes: 0,
  format: 'html',
  charset: null,
};

test.each(Object.entries(LAYOUTS))('finds the content of a page of %s, all of it and nothing else', (_, html) => {
  const result = cleanText(page, `<!doctype html><html lang="en"><head><title>Widgets</title></head>${html}</html>`, { minWords: 1 });
  const markdown = result.keep ? renderBlocks(result.document.blocks) : '';
  expect(markdown.replace(/```\w*/g, '```')).toBe(`# Widgets\n\n${FIRST}\n\n## Turning widgets\n\n${SECOND}\n\n\`\`\`\n${CODE}\n\`\`\``);
});
