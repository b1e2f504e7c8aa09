/** The few functions of jstat that are used; the package brings no types. */
declare module 'jstat' {
  export const jStat: {
    readonly normal: {
      cdf(x: number, mean: number, standardDeviation: number): number;
      inv(p: number, mean: number, standardDeviation: number): number;
    };
    readonly studentt: {
      cdf(x: number, degreesOfFreedom: number): number;
      inv(p: number, degreesOfFreedom: number): number;
    };
    readonly beta: { inv(p: number, alpha: number, beta: number): number };
    ibeta(x: number, a: number, b: number): number | false;
    gammaln(x: number): number;
  };
}
