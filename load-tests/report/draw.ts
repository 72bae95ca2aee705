import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

export interface Chart {
  /** Good for a file name. */
  id: string;
  title: string;
  /** What it shows, for those who do not see it too. */
  caption: string;
  svg: string;
}

const width = 960;
const height = 360;
const font = 'system-ui, sans-serif';

export const text = { color: 'currentColor', fontFamily: font, fontSize: 13 };
const faint = { color: 'currentColor', opacity: 0.18 };
export const axisStyle = {
  axisLabel: text,
  nameTextStyle: text,
  axisLine: { lineStyle: { color: 'currentColor', opacity: 0.5 } },
  axisTick: { lineStyle: { color: 'currentColor', opacity: 0.5 } },
  splitLine: { lineStyle: faint },
};

export function numberAxis(name: string, more: object = {}): object {
  const isX = name.includes('seconds') || name.includes('shoppers');
  const place = isX ? { nameLocation: 'middle', nameGap: 28, splitLine: { show: false } } : { nameGap: 12 };
  return { ...axisStyle, type: 'value', name, ...place, ...more };
}

/**
 * Text and lines take the colour of the page around them, so that one drawing is right in light, dark and print. Nothing moves
 * and nothing needs a script.
 */
export function draw(option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      textStyle: text,
      legend: { top: 0, textStyle: text, icon: 'roundRect', itemWidth: 18, itemGap: 16 },
      grid: { left: 12, right: 24, top: 56, bottom: 12, outerBoundsMode: 'same' },
      ...option,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
